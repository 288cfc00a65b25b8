using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.Unit.Tests.Registry.ServerCertificates;

/// <summary>What annotations say of a certificate, and what follows from it.</summary>
public sealed class CertificateRecordTests
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly CertificateRecord Whole = new(
        "0a1b", "0123456789abcdef", Begin, Begin.AddDays(730), "digest") { RequestedBy = "today", Served = "0a1b" };

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
    [InlineData("request")]
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
    public void DigestOf_OtherNamesOrAlgorithm_IsAnother()
    {
        var plan = Clusters.Plan(Clusters.With());
        var same = Clusters.Plan(Clusters.With());
        var names = Clusters.Plan(Clusters.With("""{ "replicas": 3 }"""));
        var algorithm = Clusters.Plan(Clusters.With(), new RegistryOptions { KeyAlgorithm = "RSA-2048" });

        var digests = new[] { plan, names, algorithm }.Select(entry => CertificateRecord.DigestOf(entry.Certificate)).ToList();

        Assert.Equal(3, digests.Distinct().Count());
        Assert.Equal(digests[0], CertificateRecord.DigestOf(same.Certificate));
    }

    /// <summary>Two thirds of 730 days are 486 and a bit; a thirtieth is 24.</summary>
    [Fact]
    public void TimeOf_ManyClusters_IsSpreadBehindTwoThirds()
    {
        var days = Enumerable.Range(0, 1000).Select(index => (RenewalSchedule.TimeOf(Whole, $"uid-{index}") - Begin).TotalDays).ToList();

        Assert.All(days, day => Assert.InRange(day, 486, 511.1));
        Assert.InRange(days.Average(), 497, 500.5);
        Assert.Equal(days[7], (RenewalSchedule.TimeOf(Whole, "uid-7") - Begin).TotalDays);
    }
}
