using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>Times, limits and refusals of what is made; <see cref="IssuedCertificateTests"/> looks into the certificates.</summary>
public sealed class CertificateAuthorityTests
{
    [Fact]
    public void CreateRoot_TenYears_BeginsFiveMinutesAgoAndEndsAfterTheLifetime()
    {
        using var root = Samples.NewRoot();
        Assert.Equal(Samples.PresentSecond.AddMinutes(-5), root.NotBefore);
        Assert.Equal(Samples.PresentSecond + Samples.TenYears, root.NotAfter);
        Assert.EndsWith("-----END CERTIFICATE-----\n", root.CertificatePem, StringComparison.Ordinal);
    }

    [Fact]
    public void CreateRoot_EndAfter2050_IsReadAlikeByOpenSsl()
    {
        using var openSsl = new OpenSsl();
        using var root = CertificateAuthority.CreateRoot(Samples.Root() with { Lifetime = TimeSpan.FromDays(36500) }, Samples.Clock);
        openSsl.Write("root.pem", root.CertificatePem);
        Assert.Equal("notAfter=2131-04-12 07:08:09Z\n", openSsl.Run("x509 -in root.pem -noout -enddate -dateopt iso_8601"));
        Assert.Equal(new DateTimeOffset(2131, 4, 12, 7, 8, 9, TimeSpan.Zero), root.NotAfter);
    }

    [Fact]
    public void CreateRoot_LifetimeWithoutEnd_EndsWithTheLastTimeOfX509AndStillIssues()
    {
        using var root = CertificateAuthority.CreateRoot(Samples.Root() with { Lifetime = TimeSpan.MaxValue }, Samples.Clock);
        using var authority = Samples.Load(root);
        using var leaf = authority.Issue(Samples.Server() with { Lifetime = TimeSpan.MaxValue }, Samples.Clock);
        var last = new DateTimeOffset(9999, 12, 31, 23, 59, 59, TimeSpan.Zero);
        Assert.Equal((last, last), (root.NotAfter, leaf.NotAfter));
    }

    public static TheoryData<string?, double> BadSubjectsAndLifetimes => new()
    {
        { "", 3600 },
        { " ", 3600 },
        { null, 3600 },
        { new string('x', 65), 3600 },
        { "a\nb", 3600 },
        { "registry", 0 },
        { "registry", -3600 },
        { "registry", 0.5 },
    };

    [Theory]
    [MemberData(nameof(BadSubjectsAndLifetimes))]
    public void CreateRootAndIssue_BadSubjectOrLifetime_IsAnArgumentException(string? commonName, double seconds)
    {
        using var authority = Samples.NewAuthority();
        var lifetime = TimeSpan.FromSeconds(seconds);
        Assert.ThrowsAny<ArgumentException>(
            () => CertificateAuthority.CreateRoot(new RootRequest(commonName!, KeyAlgorithm.EcdsaP256, lifetime), Samples.Clock));
        Assert.ThrowsAny<ArgumentException>(
            () => authority.Issue(Samples.Server() with { CommonName = commonName!, Lifetime = lifetime }, Samples.Clock));
    }

    [Fact]
    public void CreateRootAndIssue_UnknownAlgorithm_IsAnArgumentException()
    {
        using var authority = Samples.NewAuthority();
        Assert.ThrowsAny<ArgumentException>(() => CertificateAuthority.CreateRoot(Samples.Root((KeyAlgorithm)99), Samples.Clock));
        Assert.ThrowsAny<ArgumentException>(() => authority.Issue(Samples.Server((KeyAlgorithm)99), Samples.Clock));
    }

    [Fact]
    public void Issue_LongestCommonName_IsWritten()
    {
        using var authority = Samples.NewAuthority();
        var name = new string('x', 64);
        using var pair = authority.Issue(Samples.Server() with { CommonName = name }, Samples.Clock);
        Assert.Equal("CN=" + name, CertificateFacts.Read(Samples.Bytes(pair.CertificatePem)).Subject);
    }

    [Fact]
    public void Issue_NoNames_IsAnArgumentException()
    {
        using var authority = Samples.NewAuthority();
        Assert.Throws<ArgumentException>(() => authority.Issue(Samples.Server() with { Names = ServerNames.None }, Samples.Clock));
    }

    [Fact]
    public void Issue_MoreNamesThanCanBeReadBack_IsTooLarge()
    {
        using var authority = Samples.NewAuthority();
        var many = ServerNames.Create(Enumerable.Range(0, 2000).Select(number => $"a-rather-long-name-{number}.example"), []);
        Assert.Equal(
            CertificateFault.TooLarge, Samples.FaultOf(() => authority.Issue(Samples.Server() with { Names = many }, Samples.Clock)));
    }

    [Theory]
    [InlineData(0, -300, 730 * 86400)]
    [InlineData(3650 * 86400 - 3600, -300, 3600)]
    [InlineData(3650 * 86400 - 60, -60, 60)]
    public void Issue_AtSomeSecondOfTheRootsLife_IsCutToTheRoot(int at, int notBefore, int notAfter)
    {
        var clock = Samples.Clock;
        using var authority = Samples.NewAuthority(time: clock);
        clock.Advance(TimeSpan.FromSeconds(at));
        using var pair = authority.Issue(Samples.Server(), clock);
        var present = Samples.PresentSecond.AddSeconds(at);
        Assert.Equal((present.AddSeconds(notBefore), present.AddSeconds(notAfter)), (pair.NotBefore, pair.NotAfter));
        Assert.True(pair.NotAfter <= authority.NotAfter);
        Assert.True(ReissuePolicy.RenewalTime(pair.NotBefore, pair.NotAfter) > clock.GetUtcNow());
    }

    [Theory]
    [InlineData(-301)]
    [InlineData(3650 * 86400)]
    [InlineData(3650 * 86400 + 1)]
    public void Issue_OutsideTheRootsLife_IsRefused(int at)
    {
        var clock = Samples.Clock;
        using var authority = Samples.NewAuthority(time: clock);
        clock.Advance(TimeSpan.FromSeconds(at));
        Assert.Equal(CertificateFault.IssuerExpired, Samples.FaultOf(() => authority.Issue(Samples.Server(), clock)));
        Assert.Equal(at > 0, authority.IsExpired(clock));
    }

    [Fact]
    public void Issue_ClockBehindButWithinTheRoot_DoesNotBeginBeforeTheRoot()
    {
        var clock = Samples.Clock;
        using var authority = Samples.NewAuthority(time: clock);
        clock.Advance(TimeSpan.FromMinutes(-3));
        using var pair = authority.Issue(Samples.Server(), clock);
        Assert.Equal(authority.NotBefore, pair.NotBefore);
    }

    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP256)]
    [InlineData(KeyAlgorithm.Rsa2048)]
    public async Task Issue_FromManyThreads_GivesOnlySoundCertificates(KeyAlgorithm rootKind)
    {
        using var authority = Samples.NewAuthority(rootKind);
        var turns = Enumerable.Range(0, 8).Select(_ => Task.Run(() => IssueAndJudge(authority, 25), TestContext.Current.CancellationToken));
        var serials = await Task.WhenAll(turns);
        Assert.Equal(200, serials.SelectMany(serial => serial).Distinct().Count());
    }

    [Fact]
    public void Issue_AfterDispose_IsRefused()
    {
        var authority = Samples.NewAuthority();
        authority.Dispose();
        authority.Dispose();
        Assert.Throws<ObjectDisposedException>(() => authority.Issue(Samples.Server(), Samples.Clock));
    }

    [Fact]
    public void CertificateKeyPair_Disposed_HasZeroedTheKeyThatItGaveAway()
    {
        var pair = Samples.NewRoot();
        var key = pair.PrivateKeyPem;
        Assert.True(key.Span.StartsWith("-----BEGIN PRIVATE KEY-----\n"u8));
        Assert.Equal((byte)'\n', key.Span[^1]);
        Assert.DoesNotContain("PRIVATE", $"{pair}", StringComparison.Ordinal);
        pair.Dispose();
        Assert.True(key.Span.IndexOfAnyExcept((byte)0) < 0);
        Assert.Throws<ObjectDisposedException>(() => pair.PrivateKeyPem);
    }

    private static List<string> IssueAndJudge(CertificateAuthority authority, int count)
    {
        var serials = new List<string>();
        for (var turn = 0; turn < count; turn++)
        {
            using var pair = authority.Issue(Samples.Server(), Samples.Clock);
            var decision = ReissuePolicy.Evaluate(
                Samples.Bytes(pair.CertificatePem), pair.PrivateKeyPem.Span, Samples.Server(), authority, Samples.Clock);
            Assert.Equal(ReissueReason.None, decision.Reason);
            serials.Add(pair.SerialNumber);
        }

        return serials;
    }
}
