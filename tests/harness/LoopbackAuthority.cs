using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Harness;

/// <summary>
/// A throw-away authority that vouches for servers on 127.0.0.1, ::1 and localhost.
/// It is built on the platform alone, not on src/Certificates, so that a fault there can't hide in what it is tested against.
/// </summary>
public sealed class LoopbackAuthority : IDisposable
{
    // A harness lives for minutes; an hour back keeps a clock that is being corrected from mattering.
    private static readonly TimeSpan Backdate = TimeSpan.FromHours(1);
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    private readonly X509Certificate2 _root;

    private LoopbackAuthority(X509Certificate2 root)
    {
        _root = root;
        CertificatePem = root.ExportCertificatePem() + "\n";
    }

    /// <summary>
    /// A name that certificates are valid for, besides localhost and the loopback addresses. Helm and others speak plain HTTP
    /// to those, so a test of TLS gives this name to the loopback address.
    /// </summary>
    public const string HostName = "registry-hook.test";

    /// <summary>The root, PEM: what a client trusts.</summary>
    public string CertificatePem { get; }

    /// <summary>Makes a new root with a key of its own.</summary>
    public static LoopbackAuthority Create(TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // A name of its own, so that two authorities in one trust store can't be taken for each other.
        var name = $"CN=loopback-{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        const X509KeyUsageFlags Usage = X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign;
        request.CertificateExtensions.Add(new X509KeyUsageExtension(Usage, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = time.GetUtcNow();
        return new LoopbackAuthority(request.CreateSelfSigned(now - Backdate, now + Lifetime));
    }

    /// <summary>A server certificate with its private key, for Kestrel or an SslStream. The caller disposes it.</summary>
    /// <param name="notBefore">When it begins; null for its authority's own begin, an hour ago.</param>
    public X509Certificate2 IssueServer(DateTimeOffset? notBefore = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Sign(key, notBefore);
        return certificate.CopyWithPrivateKey(key);
    }

    /// <summary>The same as two PEM texts (the key as PKCS#8), for a server in another process.</summary>
    public (string CertificatePem, string KeyPem) IssueServerPem()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Sign(key);
        return (certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>A certificate by which a client identifies itself, with its private key. The caller disposes it.</summary>
    public X509Certificate2 IssueClient(ClientIdentity identity)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={identity.CommonName}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(identity.Usage)], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_root, true, false));
        var names = new SubjectAlternativeNameBuilder();
        if (identity.DnsName is { } dnsName)
            names.AddDnsName(dnsName);
        if (identity.Uri is { } uri)
            names.AddUri(uri);
        if (identity.DnsName is not null || identity.Uri is not null)
            request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(
            _root, identity.NotBefore ?? _root.NotBefore, identity.NotAfter ?? _root.NotAfter, RandomNumberGenerator.GetBytes(16));
        return certificate.CopyWithPrivateKey(key);
    }

    public void Dispose() => _root.Dispose();

    private X509Certificate2 Sign(ECDsa key, DateTimeOffset? notBefore = null)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddDnsName(HostName);
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);

        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1", "serverAuth")], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_root, true, false));
        request.CertificateExtensions.Add(names.Build());

        // The root's own dates: never outside them, whatever the clock says.
        return request.Create(_root, notBefore ?? _root.NotBefore, _root.NotAfter, RandomNumberGenerator.GetBytes(16));
    }
}
