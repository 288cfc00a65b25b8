using System.Formats.Asn1;
using System.Security.Cryptography;

namespace CapiRegistryHook.Certificates;

/// <summary>
/// What both ways to encrypt a private key share: AES-256-CBC, its ASN.1, and the same answer to everything that is wrong with the input.
/// CBC does not detect changes; a key is only used after it was found to match its certificate.
/// </summary>
internal static class EncryptedKey
{
    public const int KeyBytes = 32;
    public const int IvBytes = 16;

    private const string Aes256Cbc = "2.16.840.1.101.3.4.1.42";

    /// <summary>Decrypts the first block of a text and returns the key as PKCS#8 PEM.</summary>
    public static byte[] Read(ReadOnlySpan<byte> pem, ReadOnlySpan<byte> label, Func<byte[], byte[]> decrypt)
    {
        if (pem.Length > 2 * PemLimits.KeyBytes) throw new CertificateException(CertificateFault.TooLarge);
        byte[]? plain = null;
        try
        {
            var blocks = new PemBlocks(pem);
            if (!blocks.MoveNext()) throw new CertificateException(CertificateFault.UnreadableKey);
            if (!blocks.Label.SequenceEqual(label)) throw new CertificateException(CertificateFault.UnsupportedEncryption);
            plain = decrypt(blocks.Decode());
            using var key = PrivateKey.Read(plain);
            return key.ToPem();
        }
        catch (CertificateException exception) when (exception.Fault == CertificateFault.UnreadableKey && plain is not null)
        {
            // One wrong passphrase in 256 leaves a plausible padding, and then no key.
            throw new CertificateException(CertificateFault.Undecryptable);
        }
        catch (Exception exception) when (exception is FormatException or CryptographicException or AsnContentException)
        {
            throw new CertificateException(CertificateFault.Undecryptable);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    public static byte[] Encrypt(ReadOnlySpan<byte> plain, ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv)
    {
        using var aes = Aes.Create();
        aes.SetKey(key);
        return aes.EncryptCbc(plain, iv);
    }

    /// <summary>Hands the decrypted bytes on and zeroes them.</summary>
    public static byte[] Decrypt(
        ReadOnlySpan<byte> cipher, ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv, Func<ReadOnlySpan<byte>, byte[]> read)
    {
        using var aes = Aes.Create();
        aes.SetKey(key);
        var plain = GC.AllocateUninitializedArray<byte>(cipher.Length, pinned: true);
        try
        {
            return read(plain.AsSpan(0, aes.DecryptCbc(cipher, iv, plain)));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    /// <summary>AlgorithmIdentifier of the cipher.</summary>
    public static void WriteCipher(AsnWriter writer, ReadOnlySpan<byte> iv)
    {
        using var algorithm = writer.PushSequence();
        writer.WriteObjectIdentifier(Aes256Cbc);
        writer.WriteOctetString(iv);
    }

    /// <summary>The initialization vector out of the AlgorithmIdentifier of the cipher.</summary>
    public static byte[] ReadCipher(AsnReader reader)
    {
        var algorithm = reader.ReadSequence();
        Require(algorithm, Aes256Cbc);
        return algorithm.ReadOctetString() is { Length: IvBytes } iv
            ? iv : throw new CertificateException(CertificateFault.UnsupportedEncryption);
    }

    public static void Require(AsnReader reader, string objectIdentifier)
    {
        if (reader.ReadObjectIdentifier() != objectIdentifier) throw new CertificateException(CertificateFault.UnsupportedEncryption);
    }
}
