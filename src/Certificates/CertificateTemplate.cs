using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Certificates;

/// <summary>What is written into a root and into a server certificate.</summary>
internal static class CertificateTemplate
{
    private const int LongestCommonName = 64;
    private static readonly Oid ServerAuthentication = new(CertificateExtensions.ServerAuthentication);

    /// <summary>
    /// No path length: a root with pathLen 0 could never be cross-certificated to its successor, and clients that only know the old root
    /// would fail on
    /// the day of the rotation ("too many intermediates").
    /// </summary>
    public static CertificateRequest Root(string commonName, PublicKey key, HashAlgorithmName hash)
    {
        var request = new CertificateRequest(Subject(commonName), key, hash);
        var identifier = new X509SubjectKeyIdentifierExtension(key, critical: false);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(identifier);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(identifier));
        return request;
    }

    /// <summary>
    /// The successor's name, key and key identifier as they stand in its root; no path length, since further cross-certificates may
    /// follow.
    /// </summary>
    public static CertificateRequest CrossCertificate(Certificate successor, byte[] issuerKeyIdentifier, HashAlgorithmName hash)
    {
        var key = PublicKey.CreateFromSubjectPublicKeyInfo(successor.PublicKeyInfo, out _);
        var request = new CertificateRequest(new X500DistinguishedName(successor.SubjectName), key, hash);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(successor.SubjectKeyIdentifier, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(issuerKeyIdentifier));
        return request;
    }

    /// <summary>
    /// The issuer's identifier is taken as it stands in its certificate, not computed again: cert-manager and openssl may have chosen
    /// another hash.
    /// </summary>
    public static CertificateRequest Server(
        ServerCertificateRequest wanted, PublicKey key, byte[] issuerKeyIdentifier, HashAlgorithmName hash)
    {
        var request = new CertificateRequest(Subject(wanted.CommonName), key, hash);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForEndEntity(critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(UsageOf(wanted.Algorithm), critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([ServerAuthentication], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(key, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(issuerKeyIdentifier));
        request.CertificateExtensions.Add(Names(wanted.Names));
        return request;
    }

    /// <summary>127 random bits: positive in DER, and far above the 64 bits that CA/Browser Forum rules ask for.</summary>
    public static byte[] NewSerialNumber()
    {
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f;
        return serial;
    }

    /// <summary>Built, not parsed: a comma or an equals sign in the name stays a part of the name.</summary>
    private static X500DistinguishedName Subject(string commonName)
    {
        if (string.IsNullOrWhiteSpace(commonName) || commonName.Length > LongestCommonName || commonName.Any(char.IsControl))
            throw new ArgumentException("A common name has 1 to 64 characters and no control characters.", nameof(commonName));
        var name = new X500DistinguishedNameBuilder();
        name.AddCommonName(commonName);
        return name.Build();
    }

    /// <summary>Key encipherment is the old RSA key exchange of TLS 1.2; an EC key can't do it.</summary>
    private static X509KeyUsageFlags UsageOf(KeyAlgorithm algorithm) => algorithm == KeyAlgorithm.EcdsaP256
        ? X509KeyUsageFlags.DigitalSignature
        : X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment;

    private static X509Extension Names(ServerNames names)
    {
        var builder = new SubjectAlternativeNameBuilder();
        foreach (var name in names.DnsNames) builder.AddDnsName(name);
        foreach (var address in names.Addresses) builder.AddIpAddress(address);
        return builder.Build();
    }
}
