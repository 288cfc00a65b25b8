using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Certificates;

/// <summary>
/// A root, or an intermediate with its trust anchors, that can sign. Every member may be used from many threads at once; the key is
/// used by one at a time, while the keys of new certificates are made in parallel.
/// </summary>
public sealed class CertificateAuthority : IDisposable
{
    private static readonly TimeSpan ShortestLifetime = TimeSpan.FromSeconds(1);
    private readonly TrustPath _path;
    private readonly PrivateKey _key;
    private readonly Lock _signing = new();
    private bool _disposed;

    private CertificateAuthority(TrustPath path, PrivateKey key, TrustBundle trustBundle)
    {
        _path = path;
        _key = key;
        TrustBundle = trustBundle;
    }

    /// <summary>The roots that accept what this authority issues: the content of ca.crt, and the authority's own certificate when it is self-signed.</summary>
    public TrustBundle TrustBundle { get; }

    /// <summary>
    /// The identifier of the signing key in lower-case hex: the one in the certificate or, where it has none, the SHA-1 of the key.
    /// </summary>
    public string SubjectKeyIdentifier => Convert.ToHexStringLower(_path.Authority.SubjectKeyIdentifier);

    /// <summary>The first second at which this certificate and all above it are valid.</summary>
    public DateTimeOffset NotBefore => _path.NotBefore;

    /// <summary>The last second at which this certificate and all above it are valid. Nothing issued here ends later.</summary>
    public DateTimeOffset NotAfter => _path.NotAfter;

    internal Certificate Certificate => _path.Authority;

    internal IReadOnlyList<Certificate> ServedChain => _path.Served;

    /// <summary>
    /// Makes a new self-signed root: CA without a path length, keyCertSign and cRLSign, valid from five minutes ago.
    /// </summary>
    /// <exception cref="ArgumentException">The common name, the algorithm or the lifetime is out of its range.</exception>
    public static CertificateKeyPair CreateRoot(RootRequest request, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Lifetime, ShortestLifetime, nameof(request));
        var validity = Validity.Unbounded(time.GetUtcNow(), request.Lifetime)
            ?? throw new ArgumentOutOfRangeException(nameof(time), "The present lies past the last time that a certificate can hold.");
        using var key = PrivateKey.Generate(request.Algorithm);
        var template = CertificateTemplate.Root(request.CommonName, key.PublicKey, key.Hash);
        var root = Sign(template, template.SubjectName, key, validity);
        return new CertificateKeyPair(root.Pem, root, key.ToPem());
    }

    /// <summary>
    /// Reads an authority as it lies in a Secret of this product, of cert-manager or of CAREN. The key may be RSA (2048 to 8192 bits) or EC
    /// (P-256, P-384, P-521) in PKCS#8, PKCS#1 or SEC1 form. An authority that has ended still loads; it just can't issue.
    /// </summary>
    /// <param name="certificatePem">tls.crt: the authority's certificate first, then intermediates above it if any, in any order.</param>
    /// <param name="privateKeyPem">tls.key.</param>
    /// <param name="trustPem">
    /// ca.crt: the trust anchors. Self-signed authorities are added to it, and need none. For an intermediate it must hold a self-signed root
    /// above it; an anchor that is an intermediate itself does not count, since OpenSSL's clients don't accept it.
    /// </param>
    /// <exception cref="CertificateException">The fault says what is wrong; every fault but <see cref="CertificateFault.IssuerExpired"/> may come.</exception>
    public static CertificateAuthority Load(ReadOnlySpan<byte> certificatePem, ReadOnlySpan<byte> privateKeyPem, ReadOnlySpan<byte> trustPem)
    {
        var chain = PemReader.ReadChain(certificatePem);
        var anchors = TrustBundle.Parse(trustPem);
        var key = PrivateKey.Read(privateKeyPem);
        try
        {
            if (!key.Matches(chain[0])) throw new CertificateException(CertificateFault.KeyMismatch);
            var path = TrustPath.Find(chain[0], chain.Skip(1), anchors);
            var bundle = path.Served.Count == 0 ? anchors.Add(TrustBundle.Of([path.Authority])) : anchors;
            return new CertificateAuthority(path, key, bundle);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>Whether this certificate, or one above it, has ended. Not true before <see cref="NotBefore"/>, although nothing can be issued then either.</summary>
    public bool IsExpired(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return time.GetUtcNow() > NotAfter;
    }

    /// <summary>
    /// Whether <paramref name="trusted"/> holds the root that what is issued here leads up to. Whoever trusts those certificates accepts it,
    /// whatever else stands in <see cref="TrustBundle"/>.
    /// </summary>
    public bool IsAnchoredIn(TrustBundle trusted)
    {
        ArgumentNullException.ThrowIfNull(trusted);
        return trusted.Contains(TrustBundle.Of([_path.Certificates[^1]]));
    }

    /// <summary>
    /// Issues a server certificate with a new key: for TLS servers only, exactly the wanted names, a random serial number of 127 bits,
    /// valid from five minutes ago (never before the issuer; as far back as ahead when less than five minutes are left) until the
    /// lifetime or the issuer ends, whichever is first.
    /// </summary>
    /// <exception cref="ArgumentException">The common name, the names, the algorithm or the lifetime is out of its range.</exception>
    /// <exception cref="CertificateException">
    /// <see cref="CertificateFault.IssuerExpired"/> when this authority is not valid now; <see cref="CertificateFault.TooLarge"/> when the chain would be
    /// too large to be read back.
    /// </exception>
    public CertificateKeyPair Issue(ServerCertificateRequest request, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Lifetime, ShortestLifetime, nameof(request));
        if (request.Names.IsEmpty) throw new ArgumentException("A server certificate needs at least one name or address.", nameof(request));
        var validity = ValidityAt(time.GetUtcNow(), request.Lifetime);
        using var leafKey = PrivateKey.Generate(request.Algorithm);
        var leaf = Sign(request, leafKey, validity);
        var pem = string.Concat(_path.Served.Prepend(leaf).Select(certificate => certificate.Pem));
        if (pem.Length > PemLimits.ChainBytes) throw new CertificateException(CertificateFault.TooLarge);
        return new CertificateKeyPair(pem, leaf, leafKey.ToPem());
    }

    /// <summary>Releases the private key.</summary>
    public void Dispose()
    {
        lock (_signing)
        {
            _disposed = true;
            _key.Dispose();
        }
    }

    private Validity ValidityAt(DateTimeOffset now, TimeSpan lifetime)
    {
        if (now < NotBefore) throw new CertificateException(CertificateFault.IssuerExpired);
        return Validity.Within(NotBefore, NotAfter, now, lifetime) ?? throw new CertificateException(CertificateFault.IssuerExpired);
    }

    private Certificate Sign(ServerCertificateRequest request, PrivateKey leafKey, Validity validity)
    {
        var template = CertificateTemplate.Server(request, leafKey.PublicKey, _path.Authority.SubjectKeyIdentifier, _key.Hash);
        lock (_signing)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return Sign(template, new X500DistinguishedName(_path.Authority.SubjectName), _key, validity);
        }
    }

    /// <summary>By name and generator, and not by an issuer certificate: that form refuses an issuer with another kind of key than the subject's.</summary>
    private static Certificate Sign(CertificateRequest template, X500DistinguishedName issuer, PrivateKey key, Validity validity)
    {
        using var x509 = template.Create(issuer, key.Signer, validity.NotBefore, validity.NotAfter, CertificateTemplate.NewSerialNumber());
        return Certificate.Of(x509);
    }
}
