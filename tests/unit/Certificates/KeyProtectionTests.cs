using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>Encrypted private keys, with OpenSSL as reader and as writer.</summary>
public sealed class KeyProtectionTests
{
    private const string Passphrase = "correct horse battery";

    public static TheoryData<KeyAlgorithm> Algorithms => [KeyAlgorithm.EcdsaP256, KeyAlgorithm.Rsa2048, KeyAlgorithm.Rsa4096];

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Passphrase_AnyKey_ComesBackAndOpenSslReadsItToo(KeyAlgorithm algorithm)
    {
        using var root = Samples.NewRoot(algorithm);
        using var protection = WithPassphrase();

        var encrypted = protection.Encrypt(root.PrivateKeyPem.Span);

        Assert.Equal(root.PrivateKeyPem.ToArray(), protection.Decrypt(Samples.Bytes(encrypted)));
        using var openssl = new OpenSsl();
        openssl.Write("key.pem", encrypted);
        openssl.Write("passphrase", Passphrase + "\n");
        Assert.Equal(
            Encoding.ASCII.GetString(root.PrivateKeyPem.Span), openssl.Run("pkey -in key.pem -passin file:passphrase"));
        Assert.Matches(
            @"PBKDF2[\s\S]+:0927C0[\s\S]+hmacWithSHA256[\s\S]+aes-256-cbc", openssl.Run("asn1parse -in key.pem"));
    }

    [Fact]
    public void Passphrase_EncryptedByOpenSsl_IsRead()
    {
        using var root = Samples.NewRoot();
        using var openssl = new OpenSsl();
        openssl.Write("plain.pem", root.PrivateKeyPem.Span);
        openssl.Write("passphrase", Passphrase);
        openssl.Run("pkcs8 -topk8 -in plain.pem -out key.pem -v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 1000 -passout file:passphrase");
        using var protection = WithPassphrase();

        Assert.Equal(root.PrivateKeyPem.ToArray(), protection.Decrypt(openssl.Read("key.pem")));
    }

    [Theory]
    [InlineData("-v2 des3")]
    [InlineData("-v2 aes-128-cbc")]
    [InlineData("-v2 aes-256-cbc -v2prf hmacWithSHA512")]
    [InlineData("-scrypt")]
    public void Passphrase_OtherAlgorithms_AreRefused(string options)
    {
        using var root = Samples.NewRoot();
        using var openssl = new OpenSsl();
        openssl.Write("plain.pem", root.PrivateKeyPem.Span);
        openssl.Write("passphrase", Passphrase);
        openssl.Run($"pkcs8 -topk8 -in plain.pem -out key.pem {options} -passout file:passphrase");
        using var protection = WithPassphrase();

        Assert.Equal(CertificateFault.UnsupportedEncryption, Samples.FaultOf(() => protection.Decrypt(openssl.Read("key.pem"))));
    }

    /// <summary>A file must not keep its reader busy for hours.</summary>
    [Fact]
    public void Passphrase_HugeIterationCount_IsRefusedAtOnce()
    {
        using var root = Samples.NewRoot();
        using var protection = WithPassphrase();
        var encrypted = protection.Encrypt(root.PrivateKeyPem.Span);
        var der = Convert.FromBase64String(Regex.Replace(encrypted, "-----[^-]+-----|\\s", ""));
        var count = der.AsSpan().IndexOf([(byte)2, (byte)3, (byte)0x09, (byte)0x27, (byte)0xC0]);
        der[count + 2] = 0x7F;
        var hostile = PemEncoding.WriteString("ENCRYPTED PRIVATE KEY", der);

        // 0x7F27C0 is below the bound, so the decryption is tried; four bytes are not.
        Assert.Equal(CertificateFault.Undecryptable, Samples.FaultOf(() => protection.Decrypt(Samples.Bytes(hostile))));
        var widened = Widen(der, count);
        Assert.Equal(CertificateFault.UnsupportedEncryption, Samples.FaultOf(() => protection.Decrypt(Samples.Bytes(widened))));
    }

    [Fact]
    public void Passphrase_Wrong_IsUndecryptableEveryTime()
    {
        using var root = Samples.NewRoot();
        using var openssl = new OpenSsl();
        openssl.Write("plain.pem", root.PrivateKeyPem.Span);
        openssl.Write("passphrase", Passphrase);
        openssl.Run("pkcs8 -topk8 -in plain.pem -out key.pem -v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 1 -passout file:passphrase");
        var encrypted = openssl.Read("key.pem");

        // One in 256 wrong passphrases gives a valid padding.
        for (var attempt = 0; attempt < 1000; attempt++)
        {
            using var other = new PassphraseProtection(Samples.Bytes($"wrong {attempt}"));
            Assert.Equal(CertificateFault.Undecryptable, Samples.FaultOf(() => other.Decrypt(encrypted)));
        }
    }

    [Theory]
    [InlineData("req -x509 -newkey rsa:2048 -nodes -subj /CN=admin -keyout key.pem -out public.pem")]
    [InlineData("genrsa -out key.pem 3072|pkey -in key.pem -pubout -out public.pem")]
    public void Recipient_CertificateOrPublicKey_ReadsItAndSoDoesOpenSsl(string commands)
    {
        using var openssl = new OpenSsl();
        foreach (var command in commands.Split('|'))
            openssl.Run(command);
        using var root = Samples.NewRoot();
        using var writer = RecipientProtection.ForRecipient(openssl.Read("public.pem"));
        using var reader = RecipientProtection.WithPrivateKey(openssl.Read("key.pem"));

        var encrypted = writer.Encrypt(root.PrivateKeyPem.Span);

        Assert.Equal(root.PrivateKeyPem.ToArray(), reader.Decrypt(Samples.Bytes(encrypted)));
        Assert.DoesNotContain("PRIVATE KEY", encrypted, StringComparison.Ordinal);
        openssl.Write("root.pem", encrypted + root.CertificatePem);
        openssl.Run("cms -decrypt -binary -inform PEM -in root.pem -inkey key.pem -out plain.pem");
        Assert.Equal(root.PrivateKeyPem.ToArray(), openssl.Read("plain.pem"));
    }

    [Fact]
    public void Recipient_AnotherKeyOrDamaged_IsUndecryptable()
    {
        using var openssl = new OpenSsl();
        openssl.Run("genrsa -out key.pem 2048");
        openssl.Run("genrsa -out other.pem 2048");
        using var root = Samples.NewRoot();
        using var reader = RecipientProtection.WithPrivateKey(openssl.Read("key.pem"));
        using var other = RecipientProtection.WithPrivateKey(openssl.Read("other.pem"));
        var encrypted = reader.Encrypt(root.PrivateKeyPem.Span);

        Assert.Equal(CertificateFault.Undecryptable, Samples.FaultOf(() => other.Decrypt(Samples.Bytes(encrypted))));
        Assert.Equal(CertificateFault.Undecryptable, Samples.FaultOf(() => reader.Decrypt(Samples.Bytes(encrypted[..200] + "!"))));
    }

    [Theory]
    [InlineData("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem")]
    [InlineData("genrsa -out key.pem 1024")]
    public void Recipient_UnsupportedKey_IsRefused(string command)
    {
        using var openssl = new OpenSsl();
        openssl.Run(command);
        openssl.Run("pkey -in key.pem -pubout -out public.pem");

        Assert.Equal(
            CertificateFault.UnsupportedRecipient, Samples.FaultOf(() => RecipientProtection.ForRecipient(openssl.Read("public.pem"))));
        Assert.Equal(
            CertificateFault.UnsupportedRecipient, Samples.FaultOf(() => RecipientProtection.WithPrivateKey(openssl.Read("key.pem"))));
    }

    [Fact]
    public void Recipient_NoPem_IsRefused() => Assert.Equal(
        CertificateFault.UnsupportedRecipient, Samples.FaultOf(() => RecipientProtection.ForRecipient("nothing"u8)));

    private static PassphraseProtection WithPassphrase() => new(Samples.Bytes(Passphrase));

    /// <summary>Gives the INTEGER with the iteration count a fourth byte, and every SEQUENCE around it one more.</summary>
    private static string Widen(byte[] der, int count)
    {
        List<byte> bytes = [.. der];
        bytes.Insert(count + 2, 0x7F);
        bytes[count + 1]++;
        // Each enclosing SEQUENCE has a length of one byte, but the outermost, which has two.
        foreach (var at in Enclosing(der, count))
            bytes[at]++;
        return PemEncoding.WriteString("ENCRYPTED PRIVATE KEY", bytes.ToArray());
    }

    private static IEnumerable<int> Enclosing(byte[] der, int target)
    {
        for (var at = 0; at < target;)
        {
            var lengthBytes = der[at + 1] < 0x80 ? 0 : der[at + 1] & 0x7F;
            var length = lengthBytes == 0 ? der[at + 1] : der.Skip(at + 2).Take(lengthBytes).Aggregate(0, (sum, part) => (sum << 8) + part);
            var start = at + 2 + lengthBytes;
            if (target < start + length)
                yield return start - 1;
            at = target < start + length ? start : start + length;
        }
    }
}
