using CapiRegistryHook.Certificates;
using CapiRegistryHook.Registry.Serving;
using CapiRegistryHook.Unit.Tests.Certificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Serving;

/// <summary>What is published, decided from what is there.</summary>
public sealed class PublishedBundleTests
{
    private static readonly TrustBundle Own = Samples.Bundle(Samples.NewRoot());
    private static readonly TrustBundle Former = Samples.Bundle(Samples.NewRoot());

    [Fact]
    public void Decide_NothingThere_IsTheOwn() =>
        Assert.Equal(new PublishedBundle(Own, ""), PublishedBundle.Decide(Own, TrustBundle.Empty, null, Samples.Clock));

    [Fact]
    public void Decide_FormerFound_StaysAsLongAsItsCertificatesMayBeServed()
    {
        FixedTime time = new(Samples.Present);

        var first = PublishedBundle.Decide(Own, Own.Add(Former), null, time);
        time.Advance(ServingOptions.CertificateLifetime);
        var last = PublishedBundle.Decide(Own, first.Bundle, first.Until, time);
        time.Advance(TimeSpan.FromHours(2));
        var after = PublishedBundle.Decide(Own, last.Bundle, last.Until, time);

        Assert.Equal(Own.Add(Former), first.Bundle);
        Assert.Equal($"{Former.Single().Thumbprint[..16]}=2031-08-04T08:08:09Z", first.Until);
        Assert.Equal(first, last);
        Assert.Equal(new PublishedBundle(Own, ""), after);
    }

    [Fact]
    public void Decide_ManyFound_KeepsTheNewest()
    {
        FixedTime time = new(Samples.Present.AddDays(-400));
        var many = TrustBundle.Empty;
        for (var day = 0; day < PemLimits.BundleCertificates; day++)
        {
            time.Advance(TimeSpan.FromDays(1));
            many = many.Add(Samples.Bundle(Samples.NewRoot(time: time)));
        }

        var decided = PublishedBundle.Decide(Own, many, null, Samples.Clock);

        Assert.Equal(Own.Add(many.Where(certificate => certificate.NotBefore > time.GetUtcNow().AddDays(-9.5))), decided.Bundle);
        Assert.Equal(11, decided.Bundle.Count);
        Assert.Equal(decided, PublishedBundle.Decide(Own, decided.Bundle, decided.Until, Samples.Clock));
    }

    [Fact]
    public void Decide_FormerHasEnded_Goes()
    {
        FixedTime time = new(Samples.Present.AddYears(11));
        var present = Samples.Bundle(Samples.NewRoot(time: time));

        Assert.Equal(new PublishedBundle(present, ""), PublishedBundle.Decide(present, present.Add(Former), null, time));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("=,=,")]
    [InlineData("0000000000000000=2030-01-01T00:00:00Z")]
    [InlineData("0000000000000000=yesterday")]
    public void Decide_NoteIsUnreadable_CountsFromNow(string note)
    {
        var decided = PublishedBundle.Decide(Own, Former, note, Samples.Clock);

        Assert.Equal(PublishedBundle.Decide(Own, Former, null, Samples.Clock), decided);
        Assert.Equal(Own.Add(Former), decided.Bundle);
    }
}
