using System.Formats.Asn1;
using System.Security.Cryptography;

namespace CapiRegistryHook.Certificates;

/// <summary>
/// Encrypts a private key under a passphrase: PKCS#8 (RFC 5958) with PBES2, PBKDF2 with HMAC-SHA-256, and AES-256-CBC (RFC 8018). OpenSSL
/// reads it with <c>openssl pkey</c>.
/// </summary>
public sealed class PassphraseProtection : IKeyProtection
{
    /// <summary>OWASP's advice for PBKDF2 with HMAC-SHA-256 (2023).</summary>
    private const int Iterations = 600_000;

    /// <summary>About 4 s of one core: a file must not occupy its reader for hours.</summary>
    private const int MostIterations = 10_000_000;

    private static readonly PbeParameters Parameters = new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, Iterations);

    private readonly byte[] _passphrase;

    /// <summary>Keeps a copy of the passphrase, which disposing zeroes.</summary>
    /// <param name="passphrase">UTF-8, at least one byte.</param>
    public PassphraseProtection(ReadOnlySpan<byte> passphrase)
    {
        ArgumentOutOfRangeException.ThrowIfZero(passphrase.Length, nameof(passphrase));
        _passphrase = GC.AllocateUninitializedArray<byte>(passphrase.Length, pinned: true);
        passphrase.CopyTo(_passphrase);
    }

    /// <inheritdoc/>
    public string Encrypt(ReadOnlySpan<byte> privateKeyPem)
    {
        using var key = PrivateKey.Read(privateKeyPem);
        return PemEncoding.WriteString("ENCRYPTED PRIVATE KEY", key.ToEncryptedPkcs8(_passphrase, Parameters)) + "\n";
    }

    /// <inheritdoc/>
    public byte[] Decrypt(ReadOnlySpan<byte> encryptedPem) => EncryptedKey.Read(encryptedPem, "ENCRYPTED PRIVATE KEY"u8, Decrypt);

    /// <summary>Zeroes the passphrase.</summary>
    public void Dispose() => CryptographicOperations.ZeroMemory(_passphrase);

    private byte[] Decrypt(byte[] der)
    {
        var info = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
        var (salt, iterations, iv) = ReadPbes2(info.ReadSequence());
        Span<byte> key = stackalloc byte[EncryptedKey.KeyBytes];
        try
        {
            Rfc2898DeriveBytes.Pbkdf2(_passphrase, salt, key, iterations, HashAlgorithmName.SHA256);
            return EncryptedKey.Decrypt(info.ReadOctetString(), key, iv, PrivateKey.ToPem);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    private static (byte[] Salt, int Iterations, byte[] Iv) ReadPbes2(AsnReader algorithm)
    {
        EncryptedKey.Require(algorithm, "1.2.840.113549.1.5.13");
        var parameters = algorithm.ReadSequence();
        var derivation = parameters.ReadSequence();
        EncryptedKey.Require(derivation, "1.2.840.113549.1.5.12");
        var pbkdf2 = derivation.ReadSequence();
        var salt = pbkdf2.ReadOctetString();
        if (!pbkdf2.TryReadInt32(out var iterations) || iterations is < 1 or > MostIterations)
            throw new CertificateException(CertificateFault.UnsupportedEncryption);
        if (pbkdf2.PeekTag().HasSameClassAndValue(Asn1Tag.Integer))
            pbkdf2.ReadInteger();
        EncryptedKey.Require(pbkdf2.ReadSequence(), "1.2.840.113549.2.9");
        return (salt, iterations, EncryptedKey.ReadCipher(parameters));
    }
}
