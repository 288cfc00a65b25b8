using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Certificates;

/// <summary>
/// A root, or an intermediate with its trust anchors, that can sign. All members are thread-safe; signatures are made one at a time, while
/// the keys of new certificates are generated in parallel.
/// </summary>
public sealed class CertificateAuthority : IDisposable
{
    private static readonly TimeSpan ShortestLifetime = TimeSpan.FromSeconds(1);
    private readonly TrustPath _path;
    private readonly CrossCertificates _crossCertificates;
    private readonly PrivateKey _key;
    private readonly Lock _signing = new();
    private bool _disposed;

    private CertificateAuthority(TrustPath path, CrossCertificates crossCertificates, PrivateKey key, TrustBundle trustBundle)
    {
        _path = path;
        _crossCertificates = crossCertificates;
        _key = key;
        TrustBundle = trustBundle;
    }

    /// <summary>
    /// The roots that accept what this authority issues: the content of ca.crt, and the authority's own certificate when it is
    /// self-signed.
    /// </summary>
    public TrustBundle TrustBundle { get; }

    /// <summary>
    /// The identifier of the signing key in lower-case hex: the one in the certificate or, where it has none, the SHA-1 of the key.
    /// </summary>
    public string SubjectKeyIdentifier => Convert.ToHexStringLower(_path.Authority.SubjectKeyIdentifier);

    /// <summary>The first second at which this certificate and all above it are valid.</summary>
    public DateTimeOffset NotBefore => _path.NotBefore;

    /// <summary>The last second at which this certificate and all above it are valid. Nothing issued here ends later.</summary>
    public DateTimeOffset NotAfter => _path.NotAfter;

    /// <summary>SHA-256 in lower-case hex of the root above this authority, by which bundles identify it.</summary>
    public string RootThumbprint => Root.Thumbprint;

    /// <summary>
    /// When the root is due for rotation: after half of its lifetime, so that the certificates signed until then can be used to their end
    /// and the nodes be replaced before it expires.
    /// </summary>
    public DateTimeOffset RotationTime => Root.NotBefore + ((Root.NotAfter - Root.NotBefore) / 2);

    /// <summary>Whether this is a root itself, and not an intermediate below one.</summary>
    public bool IsRoot => _path.Served.Count == 0;

    /// <summary>
    /// Whether <see cref="CrossCertificateTo"/> is possible: only a root cross-certificates, and with path length 0 nothing may stand
    /// between it and a leaf.
    /// </summary>
    public bool MayCrossCertificate => IsRoot && Root.Extensions.PathLength is null or > 0;

    /// <summary>Whether this certificate or one above it restricts the names that can be issued for.</summary>
    public bool ConstrainsNames => _path.ConstrainsNames;

    internal Certificate Certificate => _path.Authority;

    private Certificate Root => _path.Certificates[^1];

    /// <summary>
    /// Creates a self-signed root: CA without a path length, keyCertSign and cRLSign, valid from five minutes ago.
    /// </summary>
    /// <exception cref="ArgumentException">The common name, the algorithm or the lifetime is out of its range.</exception>
    public static CertificateKeyPair CreateRoot(RootRequest request, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Lifetime, ShortestLifetime, nameof(request));
        var validity = Validity.Unbounded(time.GetUtcNow(), request.Lifetime)
            ?? throw new ArgumentOutOfRangeException(nameof(time), "The current time is later than a certificate can express.");
        using var key = PrivateKey.Generate(request.Algorithm);
        var template = CertificateTemplate.Root(request.CommonName, key.PublicKey, key.Hash);
        var root = Sign(template, template.SubjectName, key, validity);
        return new CertificateKeyPair(root.Pem, root, key.ToPem());
    }

    /// <summary>
    /// Reads an authority from a Secret of this product, of cert-manager or of CAREN. The key may be RSA (2048 to 8192 bits) or EC (P-256,
    /// P-384, P-521) in PKCS#8, PKCS#1 or SEC1 form. An expired authority still loads, but can't issue.
    /// </summary>
    /// <param name="certificatePem">tls.crt: the authority's certificate first, then intermediates above it if any, in any order.</param>
    /// <param name="privateKeyPem">tls.key.</param>
    /// <param name="trustPem">
    /// ca.crt: the trust anchors. A self-signed authority needs none and is added to them. For an intermediate they must contain a
    /// self-signed root above it; an anchor that is an intermediate itself does not count, since OpenSSL's clients do not accept it.
    /// </param>
    /// <param name="crossCertificatesPem">cross-certificates.crt: cross-certificates from former roots, at most
    /// <see cref="PemLimits.CrossCertificates"/>, in any order; empty when there are none. Those that
    /// do not lead to this root are ignored.</param>
    /// <exception cref="CertificateException">With any fault but <see cref="CertificateFault.IssuerExpired"/>.</exception>
    public static CertificateAuthority Load(
        ReadOnlySpan<byte> certificatePem, ReadOnlySpan<byte> privateKeyPem, ReadOnlySpan<byte> trustPem,
        ReadOnlySpan<byte> crossCertificatesPem = default)
    {
        var chain = PemReader.ReadChain(certificatePem);
        var anchors = TrustBundle.Parse(trustPem);
        var key = PrivateKey.Read(privateKeyPem);
        try
        {
            if (!key.Matches(chain[0])) throw new CertificateException(CertificateFault.KeyMismatch);
            var path = TrustPath.Find(chain[0], chain.Skip(1), anchors);
            var bundle = path.Served.Count == 0 ? anchors.Add(TrustBundle.Of([path.Authority])) : anchors;
            return new CertificateAuthority(path, CrossCertificates.Read(crossCertificatesPem, path), key, bundle);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether this certificate, or one above it, has expired. False before <see cref="NotBefore"/>, although nothing can be issued then
    /// either.
    /// </summary>
    public bool IsExpired(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return time.GetUtcNow() > NotAfter;
    }

    /// <summary>
    /// The roots in <paramref name="trusted"/> that accept what is issued here: the root above this authority, another valid certificate
    /// with its name and key (from a renewal), and former roots from which valid cross-certificates lead to it. A client that trusts one of
    /// them accepts what is served, whatever else <see cref="TrustBundle"/> contains.
    /// </summary>
    public TrustBundle AnchorsIn(TrustBundle trusted, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(trusted);
        ArgumentNullException.ThrowIfNull(time);
        var now = time.GetUtcNow();
        var own = trusted.Certificates.Where(
            certificate => certificate.Thumbprint == RootThumbprint || IsOtherFormOfRoot(certificate, now));
        return TrustBundle.Of(own.Concat(_crossCertificates.AnchorsIn(trusted, now)));
    }

    /// <summary>
    /// Whether a root in <paramref name="trusted"/> accepts what is issued here; see <see cref="AnchorsIn"/>.
    /// </summary>
    public bool IsAnchoredIn(TrustBundle trusted, TimeProvider time) => AnchorsIn(trusted, time).Count > 0;

    /// <summary>
    /// Signs another root's name and key, so that clients that trust this root accept what that one issues: CA without a path length, valid
    /// from five minutes ago until one of the two expires. Returns one PEM block, which is public.
    /// </summary>
    /// <exception cref="InvalidOperationException"><see cref="MayCrossCertificate"/> is false, or the successor is not another
    /// root.</exception>
    /// <exception cref="CertificateException"><see cref="CertificateFault.IssuerExpired"/> when this root or the successor is not valid
    /// now.</exception>
    public string CrossCertificateTo(CertificateAuthority successor, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(successor);
        ArgumentNullException.ThrowIfNull(time);
        if (!MayCrossCertificate || !successor.IsRoot || successor.SubjectKeyIdentifier == SubjectKeyIdentifier)
            throw new InvalidOperationException("A cross-certificate leads from a root without a path length of 0 to another root.");
        var validity = ValidityAt(time.GetUtcNow(), TimeSpan.MaxValue, successor.NotAfter < NotAfter ? successor.NotAfter : NotAfter);
        return Sign(
            hash => CertificateTemplate.CrossCertificate(successor.Certificate, _path.Authority.SubjectKeyIdentifier, hash), validity).Pem;
    }

    /// <summary>The unexpired cross-certificates that lead to this root, nearest first, each as one PEM block.</summary>
    public IReadOnlyList<string> CrossCertificatesAt(DateTimeOffset now) =>
        [.. _crossCertificates.At(now).Select(crossCertificate => crossCertificate.Pem)];

    /// <summary>
    /// Issues a server certificate with a new key: for TLS servers only, exactly the wanted names, a random serial number of 127 bits,
    /// valid from five minutes ago (never before the issuer; as far back as ahead when less than five minutes are left) until the
    /// lifetime or the issuer ends, whichever is first. Intermediates and unexpired cross-certificates follow it.
    /// </summary>
    /// <exception cref="ArgumentException">The common name, the names, the algorithm or the lifetime is out of its range.</exception>
    /// <exception cref="CertificateException">
    /// <see cref="CertificateFault.IssuerExpired"/> when this authority is not valid now; <see cref="CertificateFault.TooLarge"/> or
    /// <see cref="CertificateFault.TooMany"/> when the chain would be too large to be read back;
    /// <see cref="CertificateFault.RejectedByClients"/> when a client that trusts <see cref="TrustBundle"/> would not accept the result.
    /// </exception>
    public CertificateKeyPair Issue(ServerCertificateRequest request, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Lifetime, ShortestLifetime, nameof(request));
        if (request.Names.IsEmpty) throw new ArgumentException("A server certificate needs at least one name or address.", nameof(request));
        var served = ServedChain(time.GetUtcNow());
        if (served.Count >= PemLimits.ChainCertificates) throw new CertificateException(CertificateFault.TooMany);
        var validity = ValidityAt(time.GetUtcNow(), request.Lifetime, NotAfter);
        using var leafKey = PrivateKey.Generate(request.Algorithm);
        var leaf = Sign(
            hash => CertificateTemplate.Server(request, leafKey.PublicKey, _path.Authority.SubjectKeyIdentifier, hash), validity);
        var pem = string.Concat(served.Prepend(leaf).Select(certificate => certificate.Pem));
        if (pem.Length > PemLimits.ChainBytes) throw new CertificateException(CertificateFault.TooLarge);
        if (!ClientVerdict.Accepts(leaf, served, _path, TrustBundle, time))
            throw new CertificateException(CertificateFault.RejectedByClients);
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

    /// <summary>What a server sends after its certificate: intermediates, then unexpired cross-certificates.</summary>
    internal IReadOnlyList<Certificate> ServedChain(DateTimeOffset now) => [.. _path.Served, .. _crossCertificates.At(now)];

    private bool IsOtherFormOfRoot(Certificate certificate, DateTimeOffset now) =>
        certificate.SubjectName.AsSpan().SequenceEqual(Root.SubjectName)
        && certificate.PublicKeyInfo.AsSpan().SequenceEqual(Root.PublicKeyInfo)
        && certificate.SubjectKeyIdentifier.AsSpan().SequenceEqual(Root.SubjectKeyIdentifier)
        && certificate.IsSelfSigned && certificate.Extensions.MaySign
        && (certificate.Extensions.PathLength is not { } length || length >= _path.Served.Count)
        && certificate.NotBefore <= now && now <= certificate.NotAfter;

    private Validity ValidityAt(DateTimeOffset now, TimeSpan lifetime, DateTimeOffset latest)
    {
        if (now < NotBefore) throw new CertificateException(CertificateFault.IssuerExpired);
        return Validity.Within(NotBefore, latest, now, lifetime) ?? throw new CertificateException(CertificateFault.IssuerExpired);
    }

    private Certificate Sign(Func<HashAlgorithmName, CertificateRequest> template, Validity validity)
    {
        lock (_signing)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return Sign(template(_key.Hash), new X500DistinguishedName(_path.Authority.SubjectName), _key, validity);
        }
    }

    /// <summary>
    /// Takes the issuer's name, not its certificate: that overload refuses an issuer with another kind of key than the subject's.
    /// </summary>
    private static Certificate Sign(CertificateRequest template, X500DistinguishedName issuer, PrivateKey key, Validity validity)
    {
        using var x509 = template.Create(issuer, key.Signer, validity.NotBefore, validity.NotAfter, CertificateTemplate.NewSerialNumber());
        return Certificate.Of(x509);
    }
}
