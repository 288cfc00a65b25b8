using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Certificates;

/// <summary>The extensions that matter here; null where the certificate has none.</summary>
internal sealed record CertificateExtensions
{
    private const string AnyUsage = "2.5.29.37.0";
    private const string NameConstraints = "2.5.29.30";

    /// <summary>
    /// The extensions that OpenSSL and Go both process: key identifiers, key usages, alternative names, basic constraints, name
    /// constraints, policies.
    /// </summary>
    private static readonly string[] Processed =
        ["2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.19", NameConstraints, "2.5.29.32", "2.5.29.35", "2.5.29.37"];

    /// <summary>The forms of constrained names that Go processes: mail, DNS, URI, address. OpenSSL knows directory names too.</summary>
    private static readonly int[] ProcessedNames = [1, 2, 6, 7];

    private static readonly Asn1Tag DnsName = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag Address = new(TagClass.ContextSpecific, 7);

    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    public byte[]? SubjectKeyIdentifier { get; private init; }

    public byte[]? AuthorityKeyIdentifier { get; private init; }

    public bool IsAuthority { get; private init; }

    /// <summary>How many intermediates may follow; null for no limit.</summary>
    public int? PathLength { get; private init; }

    public X509KeyUsageFlags? KeyUsage { get; private init; }

    /// <summary>Whether an extended key usage, if there is one, allows TLS servers.</summary>
    public bool AllowsServers { get; private init; } = true;

    public ServerNames Names { get; private init; } = ServerNames.None;

    /// <summary>Whether the subject alternative names contain anything but DNS names and IP addresses.</summary>
    public bool HasOtherNames { get; private init; }

    /// <summary>
    /// Whether there is a critical extension that some TLS client does not process, which makes it reject the certificate.
    /// </summary>
    public bool HasUnprocessed { get; private init; }

    /// <summary>Whether the names of what is issued below are restricted.</summary>
    public bool ConstrainsNames { get; private init; }

    public bool MaySign => IsAuthority && AllowsServers && (KeyUsage is not { } usage || usage.HasFlag(X509KeyUsageFlags.KeyCertSign));

    public static CertificateExtensions Read(X509Certificate2 x509)
    {
        var read = new CertificateExtensions();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var extension in x509.Extensions)
        {
            // RFC 5280 section 4.2 allows each kind once; Go refuses such a certificate, so two readers might differ on which one counts.
            if (!seen.Add(extension.Oid?.Value ?? "")) throw new CryptographicException("An extension is repeated.");
            read = read.With(extension);
            if (extension.Critical && !IsProcessed(extension)) read = read with { HasUnprocessed = true };
        }

        return read;
    }

    private CertificateExtensions With(X509Extension extension) => extension switch
    {
        X509SubjectKeyIdentifierExtension subject => this with { SubjectKeyIdentifier = subject.SubjectKeyIdentifierBytes.ToArray() },
        X509AuthorityKeyIdentifierExtension authority => this with { AuthorityKeyIdentifier = authority.KeyIdentifier?.ToArray() },
        X509BasicConstraintsExtension basic => this with
        {
            IsAuthority = basic.CertificateAuthority,
            PathLength = basic.HasPathLengthConstraint ? basic.PathLengthConstraint : null,
        },
        X509KeyUsageExtension usage => this with { KeyUsage = usage.KeyUsages },
        X509EnhancedKeyUsageExtension enhanced => this with
        {
            AllowsServers = enhanced.EnhancedKeyUsages.Cast<Oid>().Any(usage => usage.Value is ServerAuthentication or AnyUsage),
        },
        X509SubjectAlternativeNameExtension names => WithNames(names.RawData),
        { Oid.Value: NameConstraints } => this with { ConstrainsNames = true },
        _ => this,
    };

    private static bool IsProcessed(X509Extension extension) => extension.Oid?.Value == NameConstraints
        ? ConstrainedForms(extension.RawData).All(ProcessedNames.Contains)
        : Processed.Contains(extension.Oid?.Value, StringComparer.Ordinal);

    /// <summary>The tags of all names in the permitted and the excluded subtrees (RFC 5280 section 4.2.1.10).</summary>
    private static List<int> ConstrainedForms(byte[] encoded)
    {
        var forms = new List<int>();
        var constraints = new AsnReader(encoded, AsnEncodingRules.DER).ReadSequence();
        while (constraints.HasData)
        {
            var subtrees = constraints.ReadSequence(constraints.PeekTag());
            while (subtrees.HasData) forms.Add(subtrees.ReadSequence().PeekTag().TagValue);
        }

        return forms;
    }

    private CertificateExtensions WithNames(byte[] encoded)
    {
        var dnsNames = new List<string>();
        var addresses = new List<IPAddress>();
        var others = false;
        var names = new AsnReader(encoded, AsnEncodingRules.DER).ReadSequence();
        while (names.HasData)
        {
            var tag = names.PeekTag();
            if (tag.HasSameClassAndValue(DnsName)) dnsNames.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, DnsName));
            else if (tag.HasSameClassAndValue(Address)) addresses.Add(new IPAddress(names.ReadOctetString(Address)));
            else
            {
                names.ReadEncodedValue();
                others = true;
            }
        }

        return this with { Names = ServerNames.FromCertificate(dnsNames, addresses), HasOtherNames = others };
    }
}
