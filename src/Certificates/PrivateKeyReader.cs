using System.Formats.Asn1;
using System.Security.Cryptography;

namespace CapiRegistryHook.Certificates;

/// <summary>
/// Reads the first private key of a PEM text: PKCS#8, PKCS#1 or SEC1. Decoded bytes are zeroed before this returns, and no exception
/// carries them.
/// </summary>
internal static class PrivateKeyReader
{
    private const string RsaEncryption = "1.2.840.113549.1.1.1";
    private const string EcPublicKey = "1.2.840.10045.2.1";

    public static AsymmetricAlgorithm Read(ReadOnlySpan<byte> pem)
    {
        if (pem.Length > PemLimits.KeyBytes) throw new CertificateException(CertificateFault.TooLarge);
        try
        {
            return ReadFirst(new PemBlocks(pem));
        }
        catch (Exception exception) when (exception is FormatException or CryptographicException or AsnContentException)
        {
            throw new CertificateException(CertificateFault.UnreadableKey);
        }
        catch (PlatformNotSupportedException)
        {
            // The platform's word for a curve that it does not know.
            throw new CertificateException(CertificateFault.UnsupportedKey);
        }
    }

    private static AsymmetricAlgorithm ReadFirst(PemBlocks blocks)
    {
        while (blocks.MoveNext())
        {
            // "EC PARAMETERS", which openssl writes before an EC key, and certificates in the same file are passed over.
            if (!blocks.Label.EndsWith("PRIVATE KEY"u8)) continue;
            if (IsEncrypted(blocks)) throw new CertificateException(CertificateFault.EncryptedKey);
            if (!IsKnown(blocks.Label)) throw new CertificateException(CertificateFault.UnsupportedKey);
            var der = blocks.Decode();
            try
            {
                return Import(blocks.Label, der);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(der);
            }
        }

        throw new CertificateException(CertificateFault.UnreadableKey);
    }

    /// <summary>PKCS#8 says so in its label; the older form in a header (RFC 1421): <c>Proc-Type: 4,ENCRYPTED</c>.</summary>
    private static bool IsEncrypted(PemBlocks blocks) =>
        blocks.Label.SequenceEqual("ENCRYPTED PRIVATE KEY"u8) || blocks.Body.IndexOf("Proc-Type: 4,ENCRYPTED"u8) >= 0;

    private static bool IsKnown(ReadOnlySpan<byte> label) =>
        label.SequenceEqual("PRIVATE KEY"u8) || label.SequenceEqual("RSA PRIVATE KEY"u8) || label.SequenceEqual("EC PRIVATE KEY"u8);

    private static AsymmetricAlgorithm Import(ReadOnlySpan<byte> label, byte[] der)
    {
        if (label.SequenceEqual("RSA PRIVATE KEY"u8)) return Import(RSA.Create(), key => key.ImportRSAPrivateKey(der, out _));
        if (label.SequenceEqual("EC PRIVATE KEY"u8)) return Import(ECDsa.Create(), key => key.ImportECPrivateKey(der, out _));
        return AlgorithmOf(der) switch
        {
            RsaEncryption => Import(RSA.Create(), key => key.ImportPkcs8PrivateKey(der, out _)),
            EcPublicKey => Import(ECDsa.Create(), key => key.ImportPkcs8PrivateKey(der, out _)),
            _ => throw new CertificateException(CertificateFault.UnsupportedKey),
        };
    }

    private static T Import<T>(T key, Action<T> import)
        where T : AsymmetricAlgorithm
    {
        try
        {
            import(key);
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>
    /// PrivateKeyInfo ::= SEQUENCE { version INTEGER, privateKeyAlgorithm SEQUENCE { OBJECT IDENTIFIER, ... }, ... } (RFC 5208 section 5)
    /// </summary>
    private static string AlgorithmOf(byte[] der)
    {
        var info = new AsnReader(der, AsnEncodingRules.BER).ReadSequence();
        info.ReadInteger();
        return info.ReadSequence().ReadObjectIdentifier();
    }
}
