using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>The client certificate of a connection, verified by the TLS handshake.</summary>
public sealed class ClientCertificate
{
    private const string CommonName = "2.5.4.3";
    private const string SubjectAlternativeName = "2.5.29.17";
    private const int UniformResourceIdentifier = 6;
    private const int DnsName = 2;

    private ClientCertificate(X509Certificate2 certificate) => Certificate = certificate;

    internal X509Certificate2 Certificate { get; }

    /// <summary>Wraps the certificate of a connection, which remains its owner.</summary>
    /// <returns>Null when the client sent none.</returns>
    public static ClientCertificate? Of(X509Certificate2? certificate) => certificate is null ? null : new ClientCertificate(certificate);

    /// <summary>Whether it has expired.</summary>
    public bool HasExpired(DateTimeOffset now) => now >= new DateTimeOffset(Certificate.NotAfter);

    /// <summary>
    /// Whether its common name, one of its DNS names or one of its URIs is on the list, by exact match, without wildcards. A certificate
    /// whose names can't be read has none.
    /// </summary>
    public bool HasNameIn(IReadOnlySet<string> allowed)
    {
        ArgumentNullException.ThrowIfNull(allowed);
        try
        {
            return CommonNames().Concat(AlternativeNames()).Any(allowed.Contains);
        }
        catch (Exception exception) when (exception is CryptographicException or AsnContentException)
        {
            return false;
        }
    }

    private IEnumerable<string> CommonNames() => Certificate.SubjectName
        .EnumerateRelativeDistinguishedNames()
        .Where(part => !part.HasMultipleElements && part.GetSingleElementType().Value == CommonName)
        .Select(part => part.GetSingleElementValue() ?? "");

    /// <summary>Parsed here because the runtime's own reader of this extension skips URIs, by which workloads are named (SPIFFE).</summary>
    private List<string> AlternativeNames()
    {
        var names = new List<string>();
        if (Certificate.Extensions[SubjectAlternativeName] is not { } extension)
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
