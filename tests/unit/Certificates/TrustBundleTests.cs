using System.Security.Cryptography;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

public sealed class TrustBundleTests : IDisposable
{
    private readonly CertificateKeyPair[] _roots = [.. Enumerable.Range(0, 4).Select(NewRoot)];

    public void Dispose()
    {
        foreach (var root in _roots) root.Dispose();
    }

    [Fact]
    public void Parse_AnyOrderTwiceAndTextAround_IsTheSameSetAndTheSameBytes()
    {
        var forward = Samples.Bundle(_roots);
        var noisy = TrustBundle.Parse(Samples.Bytes(
            "# roots\r\n" + string.Concat(_roots.Reverse()
                .Concat(_roots).Select(root => root.CertificatePem.Replace("\n", "\r\n", StringComparison.Ordinal) + "between\r\n"))));
        Assert.Equal(forward, noisy);
        Assert.Equal(forward.GetHashCode(), noisy.GetHashCode());
        Assert.Equal(forward.ToPem(), noisy.ToPem());
        Assert.Equal((4, 4), (noisy.Count, noisy.ToList().Count));
    }

    [Fact]
    public void ToPem_SeveralRoots_IsOldestFirstAndReadsBackTheSame()
    {
        var bundle = Samples.Bundle(_roots);
        var pem = bundle.ToPem();
        Assert.Equal(bundle.Select(root => root.NotBefore).Order(), bundle.Select(root => root.NotBefore));
        Assert.Equal(_roots.Select(root => root.NotBefore).Order(), bundle.Select(root => root.NotBefore));
        Assert.StartsWith("-----BEGIN CERTIFICATE-----\n", pem, StringComparison.Ordinal);
        Assert.EndsWith("-----END CERTIFICATE-----\n", pem, StringComparison.Ordinal);
        Assert.DoesNotContain("\n\n", pem, StringComparison.Ordinal);
        Assert.Equal(bundle, TrustBundle.Parse(Samples.Bytes(pem)));
        Assert.Equal(pem, TrustBundle.Parse(Samples.Bytes(pem)).ToPem());
    }

    [Fact]
    public void ToPem_SameNotBefore_IsOrderedByThumbprint()
    {
        using var one = Samples.NewRoot();
        using var two = Samples.NewRoot();
        var bundle = Samples.Bundle(one, two);
        Assert.Equal(bundle.Select(root => root.Thumbprint).Order(StringComparer.Ordinal), bundle.Select(root => root.Thumbprint));
        Assert.Equal(bundle.ToPem(), Samples.Bundle(two, one).ToPem());
    }

    [Fact]
    public void Add_IsAUnion()
    {
        TrustBundle left = Samples.Bundle(_roots[..3]), right = Samples.Bundle(_roots[2..]), all = Samples.Bundle(_roots);
        Assert.Equal(all, left.Add(right));
        Assert.Equal(left.Add(right), right.Add(left));
        Assert.Equal(left, left.Add(left));
        Assert.Equal(left, left.Add(TrustBundle.Empty));
        Assert.Equal(3, left.Count);
    }

    [Fact]
    public void Contains_FollowsTheSets()
    {
        TrustBundle part = Samples.Bundle(_roots[..2]), all = Samples.Bundle(_roots), other = Samples.Bundle(_roots[1..3]);
        Assert.True(all.Contains(part));
        Assert.True(all.Contains(all));
        Assert.False(part.Contains(all));
        Assert.False(part.Contains(other));
        Assert.True(part.Contains(TrustBundle.Empty));
        Assert.False(TrustBundle.Empty.Contains(part));
    }

    [Fact]
    public void Equals_OtherSets_AreDifferent()
    {
        TrustBundle one = Samples.Bundle(_roots[0]), two = Samples.Bundle(_roots[..2]);
        Assert.NotEqual(one, two);
        Assert.NotEqual(two, one);
        Assert.NotEqual(one, Samples.Bundle(_roots[1]));
        Assert.False(one.Equals(null));
        Assert.NotEqual(one, TrustBundle.Empty);
    }

    [Fact]
    public void PruneExpired_DropsWhatHasEndedAndKeepsWhatHasNotBegun()
    {
        // Root n begins n days after the present and ends ten years later; the last second counts as valid.
        var bundle = Samples.Bundle(_roots);
        Assert.Equal(bundle, bundle.PruneExpired(new FixedTime(Samples.Present.AddYears(-1))));
        Assert.Equal(bundle, bundle.PruneExpired(new FixedTime(_roots[0].NotAfter)));
        Assert.Equal(Samples.Bundle(_roots[1..]), bundle.PruneExpired(new FixedTime(_roots[0].NotAfter.AddTicks(1))));
        Assert.Equal(TrustBundle.Empty, bundle.PruneExpired(new FixedTime(_roots[^1].NotAfter.AddSeconds(1))));
        Assert.Equal(4, bundle.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \r\n\t\n")]
    public void Parse_Nothing_IsEmpty(string pem)
    {
        Assert.Equal(TrustBundle.Empty, TrustBundle.Parse(Samples.Bytes(pem)));
        Assert.Equal("", TrustBundle.Empty.ToPem());
    }

    [Fact]
    public void Parse_PrivateKeyBeside_DoesNotComeOutAgain()
    {
        var both = Samples.Bytes(_roots[0].CertificatePem).Concat(_roots[0].PrivateKeyPem.ToArray()).ToArray();
        Assert.Equal(_roots[0].CertificatePem, TrustBundle.Parse(both).ToPem());
    }

    [Fact]
    public void Parse_AtAndAboveTheCaps_IsReadAndRefused()
    {
        var pem = _roots[0].CertificatePem;
        var most = string.Concat(Enumerable.Repeat(pem, PemLimits.BundleCertificates));
        Assert.Single(TrustBundle.Parse(Samples.Bytes(most)));
        Assert.Equal(CertificateFault.TooMany, Samples.FaultOf(() => TrustBundle.Parse(Samples.Bytes(most + pem))));
        Assert.Single(TrustBundle.Parse(Samples.Bytes(pem + new string(' ', PemLimits.BundleBytes - pem.Length))));
        Assert.Equal(CertificateFault.TooLarge,
            Samples.FaultOf(() => TrustBundle.Parse(Samples.Bytes(pem + new string(' ', PemLimits.BundleBytes - pem.Length + 1)))));
    }

    [Fact]
    public void Add_MoreThanCanBeReadBack_IsTooMany()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        TrustBundle Of(int first, int count) => TrustBundle.Parse(Samples.Bytes(string.Concat(Enumerable.Range(first, count)
            .Select(number => HandMade.Root(key, $"root-{number}", Samples.Present, Samples.Present.AddDays(1))))));
        TrustBundle most = Of(0, 150), rest = Of(150, 50), more = Of(200, 1);
        Assert.Equal(200, most.Add(rest).Count);
        Assert.Equal(CertificateFault.TooMany, Samples.FaultOf(() => most.Add(rest).Add(more)));
    }

    private static CertificateKeyPair NewRoot(int days) => Samples.NewRoot(time: new FixedTime(Samples.Present.AddDays(days)));
}
