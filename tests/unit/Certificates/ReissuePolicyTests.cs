using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

public sealed class ReissuePolicyTests : IDisposable
{
    private readonly FixedTime _clock = Samples.Clock;
    private readonly CertificateAuthority _authority = Samples.NewAuthority();
    private readonly CertificateKeyPair _served;

    public ReissuePolicyTests() => _served = _authority.Issue(Samples.Server(), _clock);

    public void Dispose()
    {
        _served.Dispose();
        _authority.Dispose();
    }

    [Fact]
    public void Evaluate_AsWanted_IsNoneAndTwiceTheSame()
    {
        var first = Evaluate();
        Assert.Equal(new ReissueDecision(ReissueReason.None, "The server certificate is up to date."), first);
        Assert.False(first.Reissue);
        Assert.Equal(first, Evaluate());
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Evaluate_HalfOrAllAbsent_IsMissing(bool noCertificate, bool noKey) => Assert.Equal(
        ReissueReason.Missing, Evaluate(certificate: noCertificate ? [] : null, key: noKey ? [] : null).Reason);

    [Fact]
    public void Evaluate_DamagedCertificateOrKey_IsUnreadable()
    {
        Assert.Equal(ReissueReason.Unreadable, Evaluate(certificate: "no certificate"u8.ToArray()).Reason);
        Assert.Equal(ReissueReason.Unreadable, Evaluate(certificate: Samples.Bytes(_served.CertificatePem[..^30])).Reason);
        Assert.Equal(ReissueReason.Unreadable, Evaluate(certificate: new byte[PemLimits.ChainBytes + 1]).Reason);
        Assert.Equal(ReissueReason.Unreadable, Evaluate(key: "no key"u8.ToArray()).Reason);
        Assert.Equal(ReissueReason.Unreadable, Evaluate(key: _served.PrivateKeyPem[..^30].ToArray()).Reason);
    }

    [Fact]
    public void Evaluate_KeyOfAnotherCertificate_IsKeyMismatch()
    {
        using var other = _authority.Issue(Samples.Server(), _clock);
        using var otherKind = _authority.Issue(Samples.Server(KeyAlgorithm.Rsa2048), _clock);
        Assert.Equal(ReissueReason.KeyMismatch, Evaluate(key: other.PrivateKeyPem.ToArray()).Reason);
        Assert.Equal(ReissueReason.KeyMismatch, Evaluate(key: otherKind.PrivateKeyPem.ToArray()).Reason);
    }

    [Fact]
    public void Evaluate_RootOfTheSameNameAndAnotherKey_IsIssuerChanged()
    {
        using var successor = Samples.NewAuthority();
        Assert.Equal(ReissueReason.IssuerChanged, Evaluate(by: successor).Reason);
    }

    [Fact]
    public void Evaluate_SameNameAndKeyIdentifierButForgedSignature_IsIssuerChanged()
    {
        using var leaf = X509Certificate2.CreateFromPem(_served.CertificatePem);
        var der = leaf.RawData;
        der[^1] ^= 1;
        Assert.Equal(ReissueReason.IssuerChanged, Evaluate(certificate: Samples.Bytes(PemEncoding.WriteString("CERTIFICATE", der))).Reason);
    }

    [Fact]
    public void Evaluate_ServedWithAnIntermediateThatIsNotTheAuthoritys_IsIssuerChanged()
    {
        var chain = Samples.Bytes(_served.CertificatePem + _authority.TrustBundle.ToPem());
        Assert.Equal(ReissueReason.IssuerChanged, Evaluate(certificate: chain).Reason);
    }

    [Fact]
    public void Evaluate_AuthorityGainsARootInItsBundle_IsNone()
    {
        using var root = Samples.NewRoot();
        using var older = Samples.NewRoot();
        using var alone = Samples.Load(root);
        using var together = Samples.Load(root, older.CertificatePem);
        using var pair = alone.Issue(Samples.Server(), _clock);
        Assert.NotEqual(alone.TrustBundle, together.TrustBundle);
        Assert.Equal(ReissueReason.None, Evaluate(Samples.Bytes(pair.CertificatePem), pair.PrivateKeyPem.ToArray(), by: together).Reason);
    }

    [Fact]
    public void Evaluate_AnotherKeyAlgorithm_IsAlgorithmChanged()
    {
        Assert.Equal(ReissueReason.AlgorithmChanged, Evaluate(wanted: Samples.Server(KeyAlgorithm.Rsa2048)).Reason);
        using var rsa = _authority.Issue(Samples.Server(KeyAlgorithm.Rsa2048), _clock);
        Assert.Equal(
            ReissueReason.AlgorithmChanged,
            Evaluate(Samples.Bytes(rsa.CertificatePem), rsa.PrivateKeyPem.ToArray(), Samples.Server(KeyAlgorithm.Rsa3072)).Reason);
    }

    public static TheoryData<string[], string[]> OtherNames => new()
    {
        { ["registry", "added"], ["10.96.0.20"] },
        { [], ["10.96.0.20"] },
        { ["registry"], [] },
        { ["registry"], ["10.96.0.21"] },
        { ["registry"], ["10.96.0.20", "fd00::14"] },
    };

    [Theory]
    [MemberData(nameof(OtherNames))]
    public void Evaluate_OtherNames_IsNamesChanged(string[] names, string[] addresses)
    {
        var before = Samples.Server() with { Names = ServerNames.Create(["registry"], [IPAddress.Parse("10.96.0.20")]) };
        var after = before with { Names = ServerNames.Create(names, addresses.Select(IPAddress.Parse)) };
        using var pair = _authority.Issue(before, _clock);
        Assert.Equal(ReissueReason.None, Evaluate(Samples.Bytes(pair.CertificatePem), pair.PrivateKeyPem.ToArray(), before).Reason);
        Assert.Equal(ReissueReason.NamesChanged, Evaluate(Samples.Bytes(pair.CertificatePem), pair.PrivateKeyPem.ToArray(), after).Reason);
    }

    [Fact]
    public void Evaluate_SameNamesInAnotherForm_IsNone()
    {
        var again = ServerNames.Create(
            Samples.Names.DnsNames.Reverse().Select(name => name.ToUpperInvariant()),
            Samples.Names.Addresses.Reverse().Select(address => address.MapToIPv6()));
        Assert.Equal(ReissueReason.None, Evaluate(wanted: Samples.Server() with { Names = again }).Reason);
    }

    [Fact]
    public void Evaluate_AroundTheRenewalTime_IsDueFromThatSecondOn()
    {
        var due = ReissuePolicy.RenewalTime(_served.NotBefore, _served.NotAfter);
        _clock.Advance(due - _clock.GetUtcNow() - TimeSpan.FromTicks(1));
        Assert.Equal(ReissueReason.None, Evaluate().Reason);
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(ReissueReason.Due, Evaluate().Reason);
    }

    [Fact]
    public void Evaluate_LeafAndRootHaveEnded_IsDueAndNotIssuerChanged()
    {
        _clock.Advance(Samples.TwoYears + TimeSpan.FromDays(1));
        Assert.Equal(ReissueReason.Due, Evaluate().Reason);
        _clock.Advance(Samples.TenYears);
        Assert.Equal(ReissueReason.Due, Evaluate().Reason);
    }

    [Theory]
    [InlineData(60, ReissueReason.None)]
    [InlineData(61, ReissueReason.Due)]
    public void Evaluate_NotBegunYet_IsToleratedForAnHour(int minutes, ReissueReason reason)
    {
        var behind = new FixedTime(_served.NotBefore.AddMinutes(-minutes));
        Assert.Equal(reason, Evaluate(time: behind).Reason);
    }

    /// <summary>The same name and key with another end, as cert-manager makes it when it renews a root without a new key.</summary>
    [Theory]
    [InlineData(729, ReissueReason.Due)]
    [InlineData(730, ReissueReason.None)]
    [InlineData(9999, ReissueReason.None)]
    public void Evaluate_RootRenewedWithTheSameKey_IsDueOnlyWhenTheLeafOutlivesIt(int days, ReissueReason reason)
    {
        using var root = Samples.NewRoot();
        using var before = Samples.Load(root);
        using var after = CertificateAuthority.Load(
            Samples.Bytes(HandMade.RootWithKeyOf(root, Samples.PresentSecond, Samples.PresentSecond.AddDays(days))),
            root.PrivateKeyPem.Span, default);
        using var pair = before.Issue(Samples.Server(), _clock);
        Assert.Equal(reason, Evaluate(Samples.Bytes(pair.CertificatePem), pair.PrivateKeyPem.ToArray(), by: after).Reason);
    }

    [Fact]
    public void Evaluate_LifeThatIsNotPositive_IsDue()
    {
        using var root = Samples.NewRoot();
        using var from = Samples.Load(root);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var pem = HandMade.Leaf(root, key, Samples.PresentSecond.AddMinutes(20), Samples.PresentSecond.AddMinutes(20));
        var wanted = Samples.Server() with { Names = ServerNames.Create(["leaf"], []) };
        Assert.Equal(ReissueReason.Due, Evaluate(Samples.Bytes(pem), Samples.Bytes(key.ExportPkcs8PrivateKeyPem()), wanted, from).Reason);
    }

    [Fact]
    public void Evaluate_ANameOfAnotherKindBeside_IsNamesChanged()
    {
        using var root = Samples.NewRoot();
        using var from = Samples.Load(root);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var wanted = Samples.Server() with { Names = ServerNames.Create(["leaf"], []) };
        foreach (var (mail, reason) in new[] { ((string?)null, ReissueReason.None), ("a@b.example", ReissueReason.NamesChanged) })
        {
            var pem = HandMade.Leaf(root, key, Samples.PresentSecond, Samples.PresentSecond.AddDays(9), mail);
            Assert.Equal(reason, Evaluate(Samples.Bytes(pem), Samples.Bytes(key.ExportPkcs8PrivateKeyPem()), wanted, from).Reason);
        }
    }

    [Fact]
    public void Evaluate_SeveralReasonsAtOnce_GivesTheFirst()
    {
        using var successor = Samples.NewAuthority();
        var wanted = Samples.Server(KeyAlgorithm.Rsa2048) with { Names = ServerNames.Create(["other"], []) };
        _clock.Advance(Samples.TwoYears);
        using var other = successor.Issue(Samples.Server(), Samples.Clock);
        Assert.Equal(ReissueReason.Missing, Evaluate("x"u8.ToArray(), [], wanted, successor).Reason);
        Assert.Equal(ReissueReason.Unreadable, Evaluate("x"u8.ToArray(), null, wanted, successor).Reason);
        Assert.Equal(ReissueReason.KeyMismatch, Evaluate(null, other.PrivateKeyPem.ToArray(), wanted, successor).Reason);
        Assert.Equal(ReissueReason.IssuerChanged, Evaluate(null, null, wanted, successor).Reason);
        Assert.Equal(ReissueReason.AlgorithmChanged, Evaluate(null, null, wanted).Reason);
        Assert.Equal(ReissueReason.NamesChanged, Evaluate(null, null, wanted with { Algorithm = KeyAlgorithm.EcdsaP256 }).Reason);
        Assert.Equal(ReissueReason.Due, Evaluate().Reason);
    }

    [Theory]
    [InlineData("2030-01-01", "2030-01-04", "2030-01-03")]
    [InlineData("2030-01-01", "2030-01-01", "2030-01-01")]
    [InlineData("2030-01-04", "2030-01-01", "2030-01-04")]
    [InlineData("0001-01-01", "9999-12-31", "6666-12-31")]
    public void RenewalTime_AnyLife_IsTwoThirdsOfIt(string notBefore, string notAfter, string renewal)
    {
        static DateTimeOffset Day(string text) => DateTimeOffset.Parse(text + "T00:00Z", CultureInfo.InvariantCulture);
        Assert.Equal(Day(renewal).Date, ReissuePolicy.RenewalTime(Day(notBefore), Day(notAfter)).Date);
    }

    /// <summary>Each row fails its own check and every later one, so the order of the chain is the order of this table.</summary>
    [Theory]
    [InlineData(ReissueReason.Missing, "There is no server certificate yet.")]
    [InlineData(ReissueReason.Unreadable, "The server certificate or its private key can't be read.")]
    [InlineData(ReissueReason.KeyMismatch, "The private key does not belong to the server certificate.")]
    [InlineData(ReissueReason.IssuerChanged, "The server certificate was not issued by the current authority.")]
    [InlineData(ReissueReason.AlgorithmChanged, "The key of the server certificate is not of the wanted algorithm.")]
    [InlineData(ReissueReason.NamesChanged, "The server certificate does not match the wanted names and addresses.")]
    [InlineData(ReissueReason.Requested, "A renewal was requested.")]
    [InlineData(ReissueReason.Due, "The server certificate is due for renewal.")]
    [InlineData(ReissueReason.None, "The server certificate is up to date.")]
    public void Evaluate_FirstFailedCheck_GivesReasonAndMessage(ReissueReason first, string message)
    {
        bool Fails(ReissueReason check) => first != ReissueReason.None && first <= check;
        var input = new ReissueInput
        {
            Defect = first <= ReissueReason.KeyMismatch ? first : ReissueReason.None,
            HasOtherIssuer = Fails(ReissueReason.IssuerChanged),
            HasOtherAlgorithm = Fails(ReissueReason.AlgorithmChanged),
            HasOtherNames = Fails(ReissueReason.NamesChanged),
            Request = Fails(ReissueReason.Requested) ? "A renewal was requested." : null,
            RenewalTime = Samples.Present.AddSeconds(Fails(ReissueReason.Due) ? 0 : 1),
        };

        Assert.Equal(new ReissueDecision(first, message), ReissuePolicy.Evaluate(input, Samples.Present));
    }

    private ReissueDecision Evaluate(
        byte[]? certificate = null, byte[]? key = null, ServerCertificateRequest? wanted = null, CertificateAuthority? by = null,
        TimeProvider? time = null) =>
        ReissuePolicy.Evaluate(
            certificate ?? Samples.Bytes(_served.CertificatePem), key ?? _served.PrivateKeyPem.ToArray(), wanted ?? Samples.Server(),
            by ?? _authority, time ?? _clock);

    /// <summary>While nobody may sign, the certificate of a former issuer stays until a sixth of its life is left.</summary>
    [Fact]
    public void Evaluate_NobodyMaySign_IsDueInTheLastSixthOfItsLife()
    {
        using var authority = Samples.NewAuthority();
        using var pair = authority.Issue(Samples.Server(), Samples.Clock);
        var dueAt = pair.NotAfter - ((pair.NotAfter - pair.NotBefore) / 6);
        Assert.Equal(ReissueReason.None, Kept(pair, Samples.Server(), dueAt.AddSeconds(-1)));
        Assert.Equal(ReissueReason.Due, Kept(pair, Samples.Server(), dueAt));
        Assert.Equal(
            ReissueReason.NamesChanged, Kept(pair, Samples.Server() with { Names = ServerNames.Create(["other"], []) }, Samples.Present));
        Assert.Equal(ReissueReason.AlgorithmChanged, Kept(pair, Samples.Server(KeyAlgorithm.Rsa2048), Samples.Present));
        Assert.Equal(ReissueReason.Missing, ReissuePolicy.Evaluate(default, default, Samples.Server(), null, Samples.Clock).Reason);
    }

    private static ReissueReason Kept(CertificateKeyPair pair, ServerCertificateRequest wanted, DateTimeOffset time) =>
        ReissuePolicy.Evaluate(Samples.Bytes(pair.CertificatePem), pair.PrivateKeyPem.Span, wanted, null, new FixedTime(time)).Reason;
}
