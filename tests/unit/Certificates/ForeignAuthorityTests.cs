using System.Text;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>
/// Authorities that the openssl command made, in every form that tools write, load and sign; and those that may not are refused.
/// </summary>
public sealed class ForeignAuthorityTests : IDisposable
{
    private const string Authority = "-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign";
    private readonly OpenSsl _openSsl = new();
    private readonly DateTimeOffset _start;

    // openssl's self-signed certificates begin at the wall clock's now, so the clock of these tests is read from one of them.
    public ForeignAuthorityTests()
    {
        _openSsl.Write("empty.cnf", "[req]\ndistinguished_name=dn\n[dn]\n");
        _openSsl.Run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out clock.key");
        SelfSign("clock");
        _start = CertificateFacts.Read(_openSsl.Read("clock.pem")).NotBefore;
    }

    public void Dispose() => _openSsl.Dispose();

    [Theory]
    [InlineData("genrsa -traditional -out root.key 2048", "-----BEGIN RSA PRIVATE KEY-----", "sha256WithRSAEncryption")]
    [InlineData("genrsa -out root.key 3072", "-----BEGIN PRIVATE KEY-----", "sha256WithRSAEncryption")]
    [InlineData("ecparam -name prime256v1 -genkey -out root.key", "-----BEGIN EC PARAMETERS-----", "ecdsa-with-SHA256")]
    [InlineData("ecparam -name secp384r1 -genkey -noout -out root.key", "-----BEGIN EC PRIVATE KEY-----", "ecdsa-with-SHA384")]
    [InlineData("ecparam -name secp521r1 -genkey -noout -out root.key", "-----BEGIN EC PRIVATE KEY-----", "ecdsa-with-SHA512")]
    [InlineData("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out root.key", "-----BEGIN PRIVATE KEY-----", "ecdsa-with-SHA384")]
    public void Load_AnyKindOfRoot_SignsForAllJudges(string makeKey, string label, string signature)
    {
        _openSsl.Run(makeKey);
        SelfSign("root");
        Assert.StartsWith(label, Encoding.ASCII.GetString(_openSsl.Read("root.key")), StringComparison.Ordinal);
        AssertIssuesForAllJudges("root", strict: true);
        Assert.Contains($"Signature Algorithm: {signature}\n", _openSsl.Run("x509 -in chain.pem -noout -text"), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_RootWithoutKeyIdentifier_SignsForAllJudges()
    {
        MakeKey("root");
        SelfSign("root", Authority + " -addext subjectKeyIdentifier=none -addext authorityKeyIdentifier=none");
        Assert.DoesNotContain("Key Identifier", _openSsl.Run("x509 -in root.pem -noout -text"), StringComparison.Ordinal);
        AssertIssuesForAllJudges("root", strict: false);
    }

    [Fact]
    public void Load_RootWithUnusualKeyIdentifier_IsNamedByItInTheLeaf()
    {
        MakeKey("root");
        SelfSign("root", Authority + " -addext subjectKeyIdentifier=0102030405 -addext authorityKeyIdentifier=keyid:always");
        AssertIssuesForAllJudges("root", strict: true);
        using var authority = Load("root.pem", "root.key");
        Assert.Equal("0102030405", authority.SubjectKeyIdentifier);
        Assert.Contains("keyid:01:02:03:04:05\n", _openSsl.Run("x509 -in chain.pem -noout -text")
            .Replace("Key Identifier: \n                01", "keyid:01", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_RootSignedWithSha1_IsStillTakenAsSelfSigned()
    {
        MakeKey("root");
        SelfSign("root", Authority + " -sha1");
        using var authority = Load("root.pem", "root.key");
        Assert.Single(authority.TrustBundle);
    }

    [Fact]
    public void Load_CrLfAndTextAround_IsRead()
    {
        MakeKey("root");
        SelfSign("root");
        static byte[] Surround(byte[] pem) => Samples.Bytes("\ufeffBag Attributes: a\r\n"
            + Encoding.ASCII.GetString(pem).Replace("\n", "\r\n", StringComparison.Ordinal) + "\r\ntrailer\r\n");
        using var authority = CertificateAuthority.Load(
            Surround(_openSsl.Read("root.pem")), Surround(_openSsl.Read("root.key")), Surround(_openSsl.Read("root.pem")));
        Assert.Single(authority.TrustBundle);
    }

    [Fact]
    public void Load_SelfSignedWithItselfAsTrust_HasABundleOfOne()
    {
        MakeKey("root");
        SelfSign("root");
        using var authority = Load("root.pem", "root.key", "root.pem");
        Assert.Equal(TrustBundle.Parse(_openSsl.Read("root.pem")), authority.TrustBundle);
    }

    [Fact]
    public void Load_SelfSignedWithAnotherRootAsTrust_HasBothInItsBundle()
    {
        MakeKey("root");
        SelfSign("root");
        using var authority = Load("root.pem", "root.key", "clock.pem");
        Assert.Equal(
            TrustBundle.Parse(_openSsl.Read("root.pem")).Add(TrustBundle.Parse(_openSsl.Read("clock.pem"))), authority.TrustBundle);
    }

    [Fact]
    public void Load_IntermediateUnderIntermediate_ServesTheChainInOrderAndEndsWithItsShortestMember()
    {
        MakeKey("root");
        SelfSign("root");
        MakeIntermediate("upper", "root", "", days: 20);
        MakeIntermediate("lower", "upper", "", days: 300);
        _openSsl.Write("bundle.pem",
            [.. _openSsl.Read("lower.pem"), .. _openSsl.Read("root.pem"), .. _openSsl.Read("upper.pem"), .. _openSsl.Read("clock.pem")]);
        using var authority = Load("bundle.pem", "lower.key", "root.pem");
        using var pair = authority.Issue(Samples.Server(), new FixedTime(_start.AddMinutes(10)));
        Assert.Equal(
            ["CN=registry", "CN=lower", "CN=upper"],
            PathJudges.ReadWithBouncyCastle(pair.CertificatePem).Select(certificate => certificate.SubjectDN.ToString()));
        Assert.Equal(CertificateFacts.Read(_openSsl.Read("upper.pem")).NotAfter, pair.NotAfter);
        Assert.Equal(pair.NotAfter, authority.NotAfter);
        Assert.Equal(TrustBundle.Parse(_openSsl.Read("root.pem")), authority.TrustBundle);
        AssertAllJudgesAccept(pair.CertificatePem, authority.TrustBundle.ToPem(), strict: true);
        Assert.Equal(ReissueReason.None, Evaluate(pair.CertificatePem, pair, authority));
        Assert.Equal(ReissueReason.IssuerChanged, Evaluate(FirstBlock(pair.CertificatePem), pair, authority));
    }

    [Theory]
    [InlineData("lower.pem", "")]
    [InlineData("lower.pem", "clock.pem")]
    [InlineData("lower.pem", "lower.pem")]
    [InlineData("lower.pem", "upper.pem")]
    [InlineData("lower.pem", "root.pem")]
    public void Load_IntermediateWithoutAPathToItsTrust_IsNotAnchored(string certificate, string trust)
    {
        MakeKey("root");
        SelfSign("root");
        MakeIntermediate("upper", "root");
        MakeIntermediate("lower", "upper");
        Assert.Equal(CertificateFault.NotAnchored, Samples.FaultOf(() => Load(certificate, "lower.key", trust)));
    }

    [Theory]
    [InlineData("basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature")]
    [InlineData("basicConstraints=critical,CA:TRUE keyUsage=critical,digitalSignature")]
    [InlineData("keyUsage=critical,keyCertSign")]
    [InlineData("basicConstraints=critical,CA:TRUE extendedKeyUsage=clientAuth")]
    public void Load_RootThatMayNotSign_IsNotAnAuthority(string extensions)
    {
        MakeKey("root");
        SelfSign("root", "-addext " + extensions.Replace(" ", " -addext ", StringComparison.Ordinal));
        Assert.Equal(CertificateFault.NotAnAuthority, Samples.FaultOf(() => Load("root.pem", "root.key")));
    }

    [Theory]
    [InlineData("basicConstraints=critical,CA:TRUE")]
    [InlineData("basicConstraints=CA:TRUE extendedKeyUsage=clientAuth,serverAuth")]
    [InlineData("basicConstraints=CA:TRUE extendedKeyUsage=anyExtendedKeyUsage")]
    [InlineData("basicConstraints=critical,CA:TRUE,pathlen:0")]
    public void Load_RootThatMaySignInAnUnusualWay_Loads(string extensions)
    {
        MakeKey("root");
        SelfSign("root", "-addext " + extensions.Replace(" ", " -addext ", StringComparison.Ordinal));
        using var authority = Load("root.pem", "root.key");
        Assert.Single(authority.TrustBundle);
    }

    [Theory]
    [InlineData(",pathlen:0", "", false)]
    [InlineData(",pathlen:1", "", true)]
    [InlineData("", "extendedKeyUsage=clientAuth", false)]
    public void Load_IntermediateUnderALimitedRoot_IsRefusedWhenClientsWouldRefuseItsLeaves(
        string rootLimit, string extension, bool allowed)
    {
        MakeKey("root");
        SelfSign("root", $"-addext basicConstraints=critical,CA:TRUE{rootLimit} -addext keyUsage=critical,keyCertSign");
        MakeIntermediate("lower", "root", extension);
        if (allowed) Load("lower.pem", "lower.key", "root.pem").Dispose();
        else Assert.Equal(CertificateFault.NotAnAuthority, Samples.FaultOf(() => Load("lower.pem", "lower.key", "root.pem")));
    }

    [Theory]
    [InlineData("genpkey -algorithm ED25519 -out bad.key", CertificateFault.UnsupportedKey)]
    [InlineData("genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out bad.key", CertificateFault.UnsupportedKey)]
    [InlineData("ecparam -name secp256k1 -genkey -noout -out bad.key", CertificateFault.UnsupportedKey)]
    [InlineData("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1 -out bad.key", CertificateFault.UnsupportedKey)]
    [InlineData("genrsa -out bad.key 1024", CertificateFault.UnsupportedKey)]
    [InlineData("genrsa -aes128 -passout pass:secret -out bad.key 2048", CertificateFault.EncryptedKey)]
    [InlineData("genrsa -aes128 -traditional -passout pass:secret -out bad.key 2048", CertificateFault.EncryptedKey)]
    [InlineData("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out bad.key", CertificateFault.KeyMismatch)]
    [InlineData("genrsa -out bad.key 2048", CertificateFault.KeyMismatch)]
    public void Load_AnotherKey_HasTheFaultThatSaysWhy(string makeKey, CertificateFault fault)
    {
        _openSsl.Run(makeKey);
        Assert.Equal(fault, Samples.FaultOf(() => Load("clock.pem", "bad.key")));
    }

    private void AssertIssuesForAllJudges(string root, bool strict)
    {
        using var authority = Load($"{root}.pem", $"{root}.key", $"{root}.pem");
        using var pair = authority.Issue(Samples.Server(), new FixedTime(_start.AddMinutes(10)));
        AssertAllJudgesAccept(pair.CertificatePem, authority.TrustBundle.ToPem(), strict);
    }

    private void AssertAllJudgesAccept(string chainPem, string trustPem, bool strict)
    {
        var time = _start.AddMinutes(10);
        PathJudges.AssertPlatformAccepts(chainPem, trustPem, time, "registry");
        PathJudges.AssertOpenSslAccepts(_openSsl, chainPem, trustPem, time, "fd00::14", strict);
        PathJudges.AssertBouncyCastleAccepts(chainPem, trustPem, time);
    }

    private ReissueReason Evaluate(string chainPem, CertificateKeyPair pair, CertificateAuthority authority) =>
        ReissuePolicy.Evaluate(
            Samples.Bytes(chainPem), pair.PrivateKeyPem.Span, Samples.Server(), authority, new FixedTime(_start.AddMinutes(10))).Reason;

    private CertificateAuthority Load(string certificate, string key, string trust = "") =>
        CertificateAuthority.Load(_openSsl.Read(certificate), _openSsl.Read(key), trust.Length == 0 ? [] : _openSsl.Read(trust));

    private void MakeKey(string name) => _openSsl.Run($"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key");

    private void SelfSign(string name, string extensions = Authority) =>
        _openSsl.Run($"req -x509 -new -config empty.cnf -key {name}.key -subj /CN={name} -days 3650 -out {name}.pem {extensions}");

    private void MakeIntermediate(string name, string issuer, string extension = "", int days = 3650)
    {
        MakeKey(name);
        _openSsl.Run($"req -new -config empty.cnf -key {name}.key -subj /CN={name} -out {name}.csr");
        _openSsl.Write(
            "extensions.cnf",
            $"basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n{extension}\n");
        _openSsl.Run(
            $"x509 -req -in {name}.csr -CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial -days {days} -extfile extensions.cnf "
                + $"-out {name}.pem");
    }

    private static string FirstBlock(string pem)
    {
        const string End = "-----END CERTIFICATE-----\n";
        return pem[..(pem.IndexOf(End, StringComparison.Ordinal) + End.Length)];
    }
}
