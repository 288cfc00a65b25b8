using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// The names that may call. A certificate is let in when its common name, one of its DNS names or one of its URIs is on the
/// list, letter by letter; there are no wildcards on either side.
/// </summary>
/// <param name="allowed">The list; empty lets in whoever has a certificate of the authority.</param>
internal sealed class ClientNames(IReadOnlyCollection<string> allowed)
{
    private const string CommonName = "2.5.4.3";
    private const string SubjectAlternativeName = "2.5.29.17";
    private const int UniformResourceIdentifier = 6;
    private const int DnsName = 2;

    public bool Allow(X509Certificate2 certificate) => allowed.Count == 0 || NamesOf(certificate).Any(allowed.Contains);

    private static IEnumerable<string> NamesOf(X509Certificate2 certificate) =>
        CommonNames(certificate).Concat(AlternativeNames(certificate));

    private static IEnumerable<string> CommonNames(X509Certificate2 certificate) => certificate.SubjectName
        .EnumerateRelativeDistinguishedNames()
        .Where(part => !part.HasMultipleElements && part.GetSingleElementType().Value == CommonName)
        .Select(part => part.GetSingleElementValue() ?? "");

    /// <summary>Read by hand: the runtime's own reader of this extension knows no URIs, by which workloads are named (SPIFFE).</summary>
    private static List<string> AlternativeNames(X509Certificate2 certificate)
    {
        var names = new List<string>();
        if (certificate.Extensions[SubjectAlternativeName] is not { } extension)
            return names;
        var entries = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
        while (entries.HasData)
        {
            var tag = entries.PeekTag();
            if (tag.TagClass == TagClass.ContextSpecific && tag.TagValue is DnsName or UniformResourceIdentifier)
                names.Add(entries.ReadCharacterString(UniversalTagNumber.IA5String, tag));
            else
                entries.ReadEncodedValue();
        }

        return names;
    }
}
