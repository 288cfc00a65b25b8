using System.Security.Cryptography;
using System.Text;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>Whatever is handed in, the answer is a <see cref="CertificateException"/> with a fixed sentence, soon.</summary>
public sealed class MalformedInputTests : IDisposable
{
    private const string BeginOnly = "-----BEGIN CERTIFICATE-----\n";
    private readonly CertificateKeyPair _root = Samples.NewRoot();

    public void Dispose() => _root.Dispose();

    public static TheoryData<string> Unreadable => new()
    {
        "",
        "text",
        BeginOnly,
        BeginOnly + "-----END CERTIFICATE-----\n",
        BeginOnly + "AAAA\n-----END CERTIFICATE-----\n",
        BeginOnly + "AAA\n-----END CERTIFICATE-----\n",
        BeginOnly + "!!!!\n-----END CERTIFICATE-----\n",
        BeginOnly + "AAAA\n-----END CERTIFICATE REQUEST-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN " + new string('A', 100) + "-----\n",
        "-----BEGIN ",
    };

    [Theory]
    [MemberData(nameof(Unreadable))]
    public void Load_NoOrDamagedCertificate_IsUnreadable(string certificate)
    {
        Assert.Equal(CertificateFault.Unreadable,
            Samples.FaultOf(() => CertificateAuthority.Load(Samples.Bytes(certificate), _root.PrivateKeyPem.Span, default)));
        Assert.Equal(CertificateFault.Unreadable, Samples.FaultOf(() => CertificateFacts.Read(Samples.Bytes(certificate))));
        if (certificate.Length > 0)
            Assert.Equal(CertificateFault.Unreadable, Samples.FaultOf(() => TrustBundle.Parse(Samples.Bytes(certificate))));
    }

    [Fact]
    public void Parse_LastCertificateCutOff_IsUnreadableAndNotASmallerBundle()
    {
        var pem = _root.CertificatePem + _root.CertificatePem;

        // From the last dash of the second block down to where its first words are still "-----BEGIN ".
        for (var cut = 2; cut <= _root.CertificatePem.Length - "-----BEGIN ".Length; cut++)
            Assert.Equal(CertificateFault.Unreadable, Samples.FaultOf(() => TrustBundle.Parse(Samples.Bytes(pem[..^cut]))));
    }

    [Theory]
    [InlineData("")]
    [InlineData("text")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
    [InlineData("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n")]
    [InlineData("-----BEGIN RSA PRIVATE KEY-----\n????\n-----END RSA PRIVATE KEY-----\n")]
    [InlineData("-----BEGIN PRIVATE KEY-----\n")]
    public void Load_NoOrDamagedKey_IsUnreadableKey(string key) => Assert.Equal(
        CertificateFault.UnreadableKey,
        Samples.FaultOf(() => CertificateAuthority.Load(Samples.Bytes(_root.CertificatePem), Samples.Bytes(key), default)));

    [Theory]
    [InlineData("ENCRYPTED PRIVATE KEY", CertificateFault.EncryptedKey)]
    [InlineData("OPENSSH PRIVATE KEY", CertificateFault.UnsupportedKey)]
    [InlineData("DSA PRIVATE KEY", CertificateFault.UnsupportedKey)]
    public void Load_KeyWithAnotherLabel_HasTheFaultThatSaysWhy(string label, CertificateFault fault)
    {
        var key = Samples.Bytes($"-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        Assert.Equal(fault, Samples.FaultOf(() => CertificateAuthority.Load(Samples.Bytes(_root.CertificatePem), key, default)));
    }

    [Fact]
    public void Load_AboveTheCaps_IsTooLargeOrTooMany()
    {
        var pem = _root.CertificatePem;
        CertificateFault Fault(string certificate, byte[]? key = null, string trust = "") => Samples.FaultOf(
            () => CertificateAuthority.Load(Samples.Bytes(certificate), key ?? _root.PrivateKeyPem.Span, Samples.Bytes(trust)));
        Assert.Equal(CertificateFault.TooLarge, Fault(pem + new string('\n', PemLimits.ChainBytes)));
        Assert.Equal(CertificateFault.TooLarge, Fault(pem, new byte[PemLimits.KeyBytes + 1]));
        Assert.Equal(CertificateFault.TooLarge, Fault(pem, trust: new string('\n', PemLimits.BundleBytes + 1)));
        Assert.Equal(CertificateFault.TooMany, Fault(string.Concat(Enumerable.Repeat(pem, PemLimits.ChainCertificates + 1))));
        Assert.Equal(CertificateFault.TooMany, Fault(pem, trust: string.Concat(Enumerable.Repeat(pem, PemLimits.BundleCertificates + 1))));
        CertificateAuthority.Load(
            Samples.Bytes(string.Concat(Enumerable.Repeat(pem, PemLimits.ChainCertificates))), _root.PrivateKeyPem.Span, default).Dispose();
    }

    [Fact]
    public void Parse_NothingButBeginLines_EndsAtTheFirst()
    {
        var bomb = Samples.Bytes(string.Concat(Enumerable.Repeat(BeginOnly, PemLimits.BundleBytes / BeginOnly.Length)));
        Assert.Equal(CertificateFault.Unreadable, Samples.FaultOf(() => TrustBundle.Parse(bomb)));
    }

    [Fact]
    public void Load_PublicAndSecretHalfOfTheKeyDisagree_IsRefused()
    {
        // SEC1 carries both halves: d of another key beside this certificate's public point.
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var own = ECDsa.Create();
        own.ImportFromPem(Encoding.ASCII.GetString(_root.PrivateKeyPem.Span));
        var der = own.ExportECPrivateKey();
        var at = der.AsSpan().IndexOf(own.ExportParameters(true).D);
        stranger.ExportParameters(true).D!.CopyTo(der, at);
        var key = Samples.Bytes(PemEncoding.WriteString("EC PRIVATE KEY", der));
        Assert.Contains(
            Samples.FaultOf(() => CertificateAuthority.Load(Samples.Bytes(_root.CertificatePem), key, default)),
            new[] { CertificateFault.KeyMismatch, CertificateFault.UnreadableKey });
    }

    /// <summary>A fixed seed, so a find can be repeated. Anything but a CertificateException escapes and fails the test.</summary>
    [Fact]
    public void ReadAndLoad_BytesFlippedAtRandom_NeverThrowAnythingElse()
    {
        using var authority = Samples.Load(_root);
        using var leaf = authority.Issue(Samples.Server(), Samples.Clock);
        var random = new Random(20310506);
        var refused = 0;
        for (var turn = 0; turn < 4000; turn++)
        {
            var certificate = Flip(random, turn % 2 == 0 ? _root.CertificatePem : leaf.CertificatePem, "CERTIFICATE");
            var key = turn % 3 == 0
                ? Flip(random, Encoding.ASCII.GetString(_root.PrivateKeyPem.Span), "PRIVATE KEY") : _root.PrivateKeyPem.ToArray();
            refused += Refused(() => CertificateAuthority.Load(certificate, key, Samples.Bytes(_root.CertificatePem)).Dispose()) ? 1 : 0;
            refused += Refused(() => CertificateFacts.Read(certificate)) ? 1 : 0;
            ReissuePolicy.Evaluate(certificate, key, Samples.Server(), authority, Samples.Clock);
        }

        Assert.True(refused > 1000, $"Only {refused} were refused: the flips don't reach the parser.");
    }

    [Fact]
    public void CertificateException_EveryFault_HasAFixedSentenceWithoutInput()
    {
        var messages = new HashSet<string>();
        foreach (var key in new[] { "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VjcmV0\n-----END ENCRYPTED PRIVATE KEY-----\n" })
        {
            var exception = Assert.Throws<CertificateException>(
                () => CertificateAuthority.Load(Samples.Bytes(_root.CertificatePem), Samples.Bytes(key), default));
            Assert.Null(exception.InnerException);
            Assert.DoesNotContain("c2VjcmV0", exception.ToString(), StringComparison.Ordinal);
            Assert.True(messages.Add(exception.Message));
        }
    }

    private static bool Refused(Action action)
    {
        try
        {
            action();
            return false;
        }
        catch (CertificateException)
        {
            return true;
        }
    }

    private static byte[] Flip(Random random, string pem, string label)
    {
        var fields = PemEncoding.Find(pem);
        var der = Convert.FromBase64String(pem[fields.Base64Data]);
        for (var flips = random.Next(1, 4); flips > 0; flips--) der[random.Next(der.Length)] = (byte)random.Next(256);
        return Samples.Bytes(PemEncoding.WriteString(label, der));
    }
}
