using CapiRegistryHook.Certificates;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Unit.Tests.Certificates;

namespace CapiRegistryHook.Unit.Tests.Registry.ServerCertificates;

/// <summary>What annotations say of a certificate, and what follows from it.</summary>
public sealed class CertificateRecordTests
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly CertificateRecord Whole = new(
        "0a1b", "0123456789abcdef", Begin, Begin.AddDays(730), "ECDSA-P256", "digest") { RequestedBy = "today", Served = "0a1b" };

    [Fact]
    public void Read_WhatWasWritten_IsTheSame()
    {
        var bare = Whole with { RequestedBy = null, Served = null };

        Assert.Equal(Whole, CertificateRecord.Read(Whole.ToAnnotations()));
        Assert.Equal(bare, CertificateRecord.Read(bare.ToAnnotations()));
    }

    [Theory]
    [InlineData("serial")]
    [InlineData("issuer")]
    [InlineData("not-before")]
    [InlineData("not-after")]
    [InlineData("algorithm")]
    [InlineData("names")]
    public void Read_OneIsMissing_IsNothing(string missing)
    {
        var annotations = Whole.ToAnnotations();
        Assert.True(annotations.Remove($"capi-registry-hook.io/certificate-{missing}"));

        Assert.Null(CertificateRecord.Read(annotations));
    }

    [Theory]
    [InlineData("yesterday")]
    [InlineData("2026-13-01T00:00:00Z")]
    [InlineData("")]
    public void Read_BadTime_IsNothing(string time)
    {
        var annotations = Whole.ToAnnotations();
        annotations["capi-registry-hook.io/certificate-not-after"] = time;

        Assert.Null(CertificateRecord.Read(annotations));
    }

    [Fact]
    public void NeedsWork_RecordOfTheWantedCertificate_IsFalseUntilItsRenewalTime()
    {
        using var fixture = new RecordFixture();

        Assert.False(fixture.Record.NeedsWork(fixture.Wanted, "uid", Begin));
        Assert.False(fixture.Record.NeedsWork(fixture.Wanted, "uid", fixture.Record.RenewalTime("uid").AddSeconds(-1)));
        Assert.True(fixture.Record.NeedsWork(fixture.Wanted, "uid", fixture.Record.RenewalTime("uid")));
    }

    [Fact]
    public void NeedsWork_OneDifference_IsTrue()
    {
        using var fixture = new RecordFixture();
        using var other = Samples.NewAuthority();
        var (wanted, plan) = (fixture.Wanted, Clusters.Plan(Clusters.With("""{ "replicas": 3 }""")));
        var rsa = Clusters.Plan(Clusters.With(), new RegistryOptions { KeyAlgorithm = "RSA-2048" });

        Assert.All(new Dictionary<string, WantedCertificate>
        {
            ["root"] = wanted with { Authority = other },
            ["names"] = wanted with { Request = plan.Certificate },
            ["algorithm"] = wanted with { Request = rsa.Certificate },
            ["request"] = wanted with { RenewalRequest = "tomorrow" },
            ["trust"] = new WantedCertificate(wanted.Request, wanted.Authority, other.TrustBundle, null),
        }, difference => Assert.True(fixture.Record.NeedsWork(difference.Value, "uid", Begin), difference.Key));
        Assert.True((fixture.Record with { Served = "former" }).NeedsWork(wanted, "uid", Begin));
    }

    /// <summary>A certificate that can't be replaced is left alone until a sixth of its lifetime is left.</summary>
    [Fact]
    public void NeedsWork_NobodyMaySign_IsTrueOnlyForNamesAlgorithmAndTheLastSixth()
    {
        using var fixture = new RecordFixture();
        using var other = Samples.NewAuthority();
        var wanted = fixture.Wanted with
        {
            Authority = other, RenewalRequest = "tomorrow", Refusal = RegistryOutcome.Refused("Nobody may sign."),
        };
        var last = ReissuePolicy.LastRenewalTime(fixture.Record.NotBefore, fixture.Record.NotAfter);

        Assert.False(fixture.Record.NeedsWork(wanted, "uid", last.AddSeconds(-1)));
        Assert.True(fixture.Record.NeedsWork(wanted, "uid", last));
        Assert.True(fixture.Record.NeedsWork(
            wanted with { Request = Clusters.Plan(Clusters.With("""{ "replicas": 3 }""")).Certificate }, "uid", Begin));
    }

    /// <summary>Two thirds of 730 days are 486 and a bit; a thirtieth is 24.</summary>
    [Fact]
    public void RenewalTime_ManyClusters_IsSpreadBehindTwoThirds()
    {
        var days = Enumerable.Range(0, 1000).Select(index => (Whole.RenewalTime($"uid-{index}") - Begin).TotalDays).ToList();

        Assert.All(days, day => Assert.InRange(day, 486, 511.1));
        Assert.InRange(days.Average(), 497, 500.5);
        Assert.Equal(days[7], (Whole.RenewalTime("uid-7") - Begin).TotalDays);
    }

    /// <summary>A wanted certificate and the record of one that is exactly that.</summary>
    private sealed class RecordFixture : IDisposable
    {
        private readonly CertificateAuthority _authority = Samples.NewAuthority();

        public RecordFixture()
        {
            Wanted = new WantedCertificate(Clusters.Plan(Clusters.With()).Certificate, _authority, _authority.TrustBundle, null);
            Record = CertificateRecord.Of(Wanted, "0a1b", Begin, Begin.AddDays(730)) with { Served = "0a1b" };
        }

        public WantedCertificate Wanted { get; }

        public CertificateRecord Record { get; }

        public void Dispose() => _authority.Dispose();
    }
}
