using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Unit.Tests.Kubernetes;

/// <summary>A throw-away CA; certificates are generated, never stored.</summary>
internal sealed class TestAuthority : IDisposable
{
    public const string ServerUse = "1.3.6.1.5.5.7.3.1";
    public const string ClientUse = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2 _root;

    public TestAuthority(string name = "test-ca")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _root = request.CreateSelfSigned(Now.AddDays(-1), Now.AddDays(3));
    }

    public string Pem => _root.ExportCertificatePem();

    public X509Certificate2Collection Roots => [X509CertificateLoader.LoadCertificate(_root.RawData)];

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    public X509Certificate2 Issue(string use = ServerUse, string[]? names = null, bool address = true, DateTimeOffset? notAfter = null)
    {
        (var certificate, var key) = IssuePem(use, names, address, notAfter);
        using var pem = X509Certificate2.CreateFromPem(certificate, key);
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
    }

    public (string Certificate, string Key) IssuePem(
        string use, string[]? names = null, bool address = true, DateTimeOffset? notAfter = null, string subject = "test")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={subject}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], false));
        SubjectAlternativeNameBuilder alternatives = new();
        foreach (var name in names ?? [])
            alternatives.AddDnsName(name);
        if (address)
            alternatives.AddIpAddress(IPAddress.Loopback);
        if (address || names is { Length: > 0 })
            request.CertificateExtensions.Add(alternatives.Build());
        using var issued = request.Create(_root, Now.AddHours(-12), notAfter ?? Now.AddDays(2), RandomNumberGenerator.GetBytes(8));
        return (issued.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    public void Dispose() => _root.Dispose();
}
