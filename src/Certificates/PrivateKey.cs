using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Certificates;

/// <summary>A private key of a kind that is supported. Not thread-safe: the platform promises it for no instance member.</summary>
internal sealed class PrivateKey : IDisposable
{
    private const string P256 = "1.2.840.10045.3.1.7";
    private const string P384 = "1.3.132.0.34";
    private const string P521 = "1.3.132.0.35";

    private readonly AsymmetricAlgorithm _key;
    private readonly string? _curve;

    private PrivateKey(AsymmetricAlgorithm key)
    {
        _key = key;
        _curve = (key as ECDsa)?.ExportParameters(false).Curve.Oid?.Value;
    }

    /// <summary>The kind, when it is one that this room makes; null for a kind that it only reads.</summary>
    public KeyAlgorithm? Algorithm => (_curve, _key.KeySize) switch
    {
        (P256, _) => KeyAlgorithm.EcdsaP256,
        (null, 2048) => KeyAlgorithm.Rsa2048,
        (null, 3072) => KeyAlgorithm.Rsa3072,
        (null, 4096) => KeyAlgorithm.Rsa4096,
        _ => null,
    };

    public PublicKey PublicKey => new(_key);

    /// <summary>The hash that goes with this key as issuer: as strong as the curve (RFC 5656's pairing), SHA-256 for RSA.</summary>
    public HashAlgorithmName Hash => _curve switch
    {
        P384 => HashAlgorithmName.SHA384,
        P521 => HashAlgorithmName.SHA512,
        _ => HashAlgorithmName.SHA256,
    };

    /// <summary>Signs with this key whatever kind of key the subject has.</summary>
    public X509SignatureGenerator Signer => _key switch
    {
        RSA rsa => X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1),
        _ => X509SignatureGenerator.CreateForECDsa((ECDsa)_key),
    };

    public static PrivateKey Generate(KeyAlgorithm algorithm) => new(algorithm switch
    {
        KeyAlgorithm.EcdsaP256 => ECDsa.Create(ECCurve.NamedCurves.nistP256),
        KeyAlgorithm.Rsa2048 => RSA.Create(2048),
        KeyAlgorithm.Rsa3072 => RSA.Create(3072),
        KeyAlgorithm.Rsa4096 => RSA.Create(4096),
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "A key of this algorithm can't be generated."),
    });

    /// <summary>
    /// Throws <see cref="CertificateException"/> when the key is unreadable, encrypted, too large or of an unsupported kind.
    /// </summary>
    public static PrivateKey Read(ReadOnlySpan<byte> pem)
    {
        var key = PrivateKeyReader.Read(pem);
        if (IsSupported(key)) return new PrivateKey(key);
        key.Dispose();
        throw new CertificateException(CertificateFault.UnsupportedKey);
    }

    /// <summary>
    /// Whether this key belongs to the certificate. The public halves are compared first; then a signature is made and checked, because
    /// a key file carries its public half beside the secret one and the two may disagree.
    /// </summary>
    public bool Matches(Certificate certificate)
    {
        try
        {
            return _key switch
            {
                RSA rsa => Matches(rsa, certificate.PublicKeyInfo),
                _ => Matches((ECDsa)_key, certificate.PublicKeyInfo),
            };
        }
        catch (Exception exception) when (exception is CryptographicException or PlatformNotSupportedException)
        {
            // The certificate's key is of another kind or on an unknown curve, or this key is too broken to sign.
            return false;
        }
    }

    /// <summary>PKCS#8 PEM with a final newline, in a pinned array that the caller zeroes.</summary>
    public byte[] ToPem()
    {
        // RSA with 8192 bits takes 4.7 KiB of DER.
        var der = GC.AllocateArray<byte>(PemLimits.KeyBytes, pinned: true);
        try
        {
            if (!_key.TryExportPkcs8PrivateKey(der, out var length))
                throw new CryptographicException("The key is larger than any supported key.");
            return ToPem(der.AsSpan(0, length));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
        }
    }

    /// <summary>Writes PKCS#8 as PEM with a final newline, into a pinned array that the caller zeroes.</summary>
    public static byte[] ToPem(ReadOnlySpan<byte> pkcs8)
    {
        var size = PemEncoding.GetEncodedSize("PRIVATE KEY".Length, pkcs8.Length);
        var pem = GC.AllocateUninitializedArray<byte>(size + 1, pinned: true);
        PemEncoding.TryWriteUtf8("PRIVATE KEY"u8, pkcs8, pem, out _);
        pem[size] = (byte)'\n';
        return pem;
    }

    /// <summary>EncryptedPrivateKeyInfo (RFC 5958) under a passphrase; not secret.</summary>
    public byte[] ToEncryptedPkcs8(ReadOnlySpan<byte> passphrase, PbeParameters parameters) =>
        _key.ExportEncryptedPkcs8PrivateKey(passphrase, parameters);

    public void Dispose() => _key.Dispose();

    /// <summary>
    /// Below 2048 bits OpenSSL's default security level refuses the handshake; above 8192 Go's TLS client does (since 1.20.7).
    /// </summary>
    private static bool IsSupported(AsymmetricAlgorithm key)
    {
        if (key is not ECDsa ec) return key.KeySize is >= 2048 and <= 8192;
        try
        {
            var curve = ec.ExportParameters(false).Curve;
            return curve.IsNamed && curve.Oid.Value is P256 or P384 or P521;
        }
        catch (Exception exception) when (exception is CryptographicException or PlatformNotSupportedException)
        {
            // A curve that the platform can't name.
            return false;
        }
    }

    private static bool Matches(RSA secret, byte[] publicKeyInfo)
    {
        using var expected = RSA.Create();
        expected.ImportSubjectPublicKeyInfo(publicKeyInfo, out _);
        if (!secret.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(expected.ExportSubjectPublicKeyInfo())) return false;
        var signature = secret.SignData("pair"u8.ToArray(), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return expected.VerifyData("pair"u8, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    private static bool Matches(ECDsa secret, byte[] publicKeyInfo)
    {
        using var expected = ECDsa.Create();
        expected.ImportSubjectPublicKeyInfo(publicKeyInfo, out _);
        if (!secret.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(expected.ExportSubjectPublicKeyInfo())) return false;
        var signature = secret.SignData("pair"u8.ToArray(), HashAlgorithmName.SHA256);
        return expected.VerifyData("pair"u8, signature, HashAlgorithmName.SHA256);
    }
}
