using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Certificates;

/// <summary>
/// Encrypts a private key for the owner of an RSA key: CMS EnvelopedData (RFC 5652) with RSA-OAEP (RFC 3560) and AES-256-CBC. OpenSSL reads
/// it with <c>openssl cms -decrypt</c>. Whoever has the public key can make such a file; it does not say who did.
/// </summary>
public sealed class RecipientProtection : IKeyProtection
{
    private const string EnvelopedData = "1.2.840.113549.1.7.3";
    private const string Data = "1.2.840.113549.1.7.1";
    private const string RsaOaep = "1.2.840.113549.1.1.7";
    private const string Mgf1 = "1.2.840.113549.1.1.8";
    private const string Sha256 = "2.16.840.1.101.3.4.2.1";

    private static readonly Asn1Tag Tag0 = new(TagClass.ContextSpecific, 0);
    private static readonly Asn1Tag Tag1 = new(TagClass.ContextSpecific, 1);

    private readonly RSA _key;

    private RecipientProtection(RSA key) => _key = key;

    /// <summary>Encrypts for the owner of a certificate or public key.</summary>
    /// <param name="pem">A text whose first block is a <c>CERTIFICATE</c> or a <c>PUBLIC KEY</c>.</param>
    /// <exception cref="CertificateException">
    /// <see cref="CertificateFault.UnsupportedRecipient"/>, or <see cref="CertificateFault.TooLarge"/>.
    /// </exception>
    public static RecipientProtection ForRecipient(ReadOnlySpan<byte> pem)
    {
        if (pem.Length > PemLimits.ChainBytes) throw new CertificateException(CertificateFault.TooLarge);
        try
        {
            var blocks = new PemBlocks(pem);
            if (blocks.MoveNext() && blocks.Label.SequenceEqual("PUBLIC KEY"u8)) return Of(blocks.Decode());
            if (blocks.Label.SequenceEqual("CERTIFICATE"u8)) return Of(Certificate.Read(blocks.Decode()).PublicKeyInfo);
        }
        catch (Exception exception) when (exception is FormatException or CryptographicException)
        {
            // Answered below: what can't be read is not a supported key either.
        }

        throw new CertificateException(CertificateFault.UnsupportedRecipient);
    }

    /// <summary>Decrypts with the recipient's private key, and encrypts for it.</summary>
    /// <param name="privateKeyPem">The key, not encrypted itself.</param>
    /// <exception cref="CertificateException">The key can't be read or is not of a supported type.</exception>
    public static RecipientProtection WithPrivateKey(ReadOnlySpan<byte> privateKeyPem)
    {
        var key = PrivateKeyReader.Read(privateKeyPem);
        return key is RSA rsa ? Of(rsa) : throw Unsupported(key);
    }

    /// <inheritdoc/>
    public string Encrypt(ReadOnlySpan<byte> privateKeyPem)
    {
        using var plain = PrivateKey.Read(privateKeyPem);
        var pem = plain.ToPem();
        Span<byte> key = stackalloc byte[EncryptedKey.KeyBytes];
        try
        {
            RandomNumberGenerator.Fill(key);
            var iv = RandomNumberGenerator.GetBytes(EncryptedKey.IvBytes);
            return PemEncoding.WriteString(
                "CMS", Write(_key.Encrypt(key, RSAEncryptionPadding.OaepSHA256), iv, EncryptedKey.Encrypt(pem, key, iv))) + "\n";
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(pem);
        }
    }

    /// <inheritdoc/>
    public byte[] Decrypt(ReadOnlySpan<byte> encryptedPem) => EncryptedKey.Read(encryptedPem, "CMS"u8, Decrypt);

    /// <summary>Releases the key.</summary>
    public void Dispose() => _key.Dispose();

    private static RecipientProtection Of(byte[] publicKeyInfo)
    {
        var key = RSA.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(publicKeyInfo, out _);
        }
        catch (CryptographicException)
        {
            throw Unsupported(key);
        }

        return Of(key);
    }

    private static RecipientProtection Of(RSA key) =>
        key.KeySize is >= 2048 and <= 8192 ? new RecipientProtection(key) : throw Unsupported(key);

    private static CertificateException Unsupported(AsymmetricAlgorithm key)
    {
        key.Dispose();
        return new CertificateException(CertificateFault.UnsupportedRecipient);
    }

    /// <summary>ContentInfo with one KeyTransRecipientInfo, which names the key by its identifier.</summary>
    private byte[] Write(byte[] encryptedKey, byte[] iv, byte[] cipher)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(EnvelopedData);
            using var content = writer.PushSequence(Tag0);
            using var enveloped = writer.PushSequence();
            writer.WriteInteger(2);
            WriteRecipient(writer, encryptedKey);
            using var encrypted = writer.PushSequence();
            writer.WriteObjectIdentifier(Data);
            EncryptedKey.WriteCipher(writer, iv);
            writer.WriteOctetString(cipher, Tag0);
        }

        return writer.Encode();
    }

    private void WriteRecipient(AsnWriter writer, byte[] encryptedKey)
    {
        using var recipients = writer.PushSetOf();
        using var recipient = writer.PushSequence();
        writer.WriteInteger(2);
        writer.WriteOctetString(new X509SubjectKeyIdentifierExtension(new PublicKey(_key), false).SubjectKeyIdentifierBytes.Span, Tag0);
        writer.WriteEncodedValue(OaepAlgorithm());
        writer.WriteOctetString(encryptedKey);
    }

    private static byte[] OaepAlgorithm()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(RsaOaep);
            using var parameters = writer.PushSequence();
            using (writer.PushSequence(Tag0))
                WriteHash(writer);
            using var mask = writer.PushSequence(Tag1);
            using var generator = writer.PushSequence();
            writer.WriteObjectIdentifier(Mgf1);
            WriteHash(writer);
        }

        return writer.Encode();
    }

    private static void WriteHash(AsnWriter writer)
    {
        using var hash = writer.PushSequence();
        writer.WriteObjectIdentifier(Sha256);
        writer.WriteNull();
    }

    private byte[] Decrypt(byte[] der)
    {
        var content = new AsnReader(der, AsnEncodingRules.BER).ReadSequence();
        EncryptedKey.Require(content, EnvelopedData);
        var enveloped = content.ReadSequence(Tag0).ReadSequence();
        enveloped.ReadInteger();
        var encryptedKey = ReadRecipient(enveloped.ReadSetOf().ReadSequence());
        var encrypted = enveloped.ReadSequence();
        EncryptedKey.Require(encrypted, Data);
        var iv = EncryptedKey.ReadCipher(encrypted);
        var key = _key.Decrypt(encryptedKey, RSAEncryptionPadding.OaepSHA256);
        try
        {
            return EncryptedKey.Decrypt(encrypted.ReadOctetString(Tag0), key, iv, plain => Pinned(plain));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    private static byte[] ReadRecipient(AsnReader recipient)
    {
        recipient.ReadInteger();
        recipient.ReadEncodedValue();
        if (!recipient.ReadEncodedValue().Span.SequenceEqual(OaepAlgorithm()))
            throw new CertificateException(CertificateFault.UnsupportedEncryption);
        return recipient.ReadOctetString();
    }

    private static byte[] Pinned(ReadOnlySpan<byte> plain)
    {
        var copy = GC.AllocateUninitializedArray<byte>(plain.Length, pinned: true);
        plain.CopyTo(copy);
        return copy;
    }
}
