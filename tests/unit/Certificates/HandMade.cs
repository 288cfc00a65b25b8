using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>Certificates that the product would not make, by the platform's request class. Roots must have P-256 keys.</summary>
internal static class HandMade
{
    public static string RootWithKeyOf(CertificateKeyPair root, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        using var key = KeyOf(root);
        using var certificate = X509Certificate2.CreateFromPem(root.CertificatePem);
        return Root(key, certificate.SubjectName, notBefore, notAfter);
    }

    public static string Root(ECDsa key, string commonName, DateTimeOffset notBefore, DateTimeOffset notAfter) =>
        Root(key, new X500DistinguishedName("CN=" + commonName), notBefore, notAfter);

    private static string Root(ECDsa key, X500DistinguishedName subject, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var made = request.CreateSelfSigned(notBefore, notAfter);
        return made.ExportCertificatePem() + "\n";
    }

    public static string Leaf(CertificateKeyPair root, ECDsa key, DateTimeOffset notBefore, DateTimeOffset notAfter, string? mail = null)
    {
        using var rootKey = KeyOf(root);
        using var issuer = X509Certificate2.CreateFromPem(root.CertificatePem);
        var request = new CertificateRequest("CN=leaf", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("leaf");
        if (mail is not null) names.AddEmailAddress(mail);
        request.CertificateExtensions.Add(names.Build());
        using var made = request.Create(issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(rootKey), notBefore, notAfter, [1, 2, 3]);
        return made.ExportCertificatePem() + "\n";
    }

    /// <summary>
    /// The cross-certificate of a root rotation: the new root's name and key, signed by the old root, which has the same name.
    /// </summary>
    public static string CrossCertificate(CertificateKeyPair oldRoot, CertificateKeyPair newRoot)
    {
        using var oldKey = KeyOf(oldRoot);
        using var oldCertificate = X509Certificate2.CreateFromPem(oldRoot.CertificatePem);
        using var newCertificate = X509Certificate2.CreateFromPem(newRoot.CertificatePem);
        var request = new CertificateRequest(newCertificate.SubjectName, newCertificate.PublicKey, HashAlgorithmName.SHA256);
        var identifier = oldCertificate.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Single();
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(newCertificate.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Single());
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(identifier));
        using var made = request.Create(
            oldCertificate.SubjectName, X509SignatureGenerator.CreateForECDsa(oldKey), oldRoot.NotBefore, oldRoot.NotAfter, [4, 5, 6]);
        return made.ExportCertificatePem() + "\n";
    }

    private static ECDsa KeyOf(CertificateKeyPair pair)
    {
        var key = ECDsa.Create();
        key.ImportFromPem(Encoding.ASCII.GetString(pair.PrivateKeyPem.Span));
        return key;
    }
}
