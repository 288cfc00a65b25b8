using System.Security.Authentication;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>What is issued, served and verified over a real connection.</summary>
public sealed class TlsHandshakeTests
{
    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP256)]
    [InlineData(KeyAlgorithm.Rsa2048)]
    public async Task Issue_ServedOverLoopback_IsAcceptedByNameAndAddress(KeyAlgorithm algorithm)
    {
        using var authority = Samples.NewAuthority(algorithm);
        using var pair = authority.Issue(Samples.Server(algorithm), Samples.Clock);
        await Handshake.ShakeAsync(pair, authority.TrustBundle, "registry.registry-system.svc.cluster.local");
        await Handshake.ShakeAsync(pair, authority.TrustBundle, "127.0.0.1");
        await Assert.ThrowsAsync<AuthenticationException>(() => Handshake.ShakeAsync(pair, authority.TrustBundle, "elsewhere"));
    }

    [Fact]
    public async Task Issue_ServedToAClientOfAnotherRoot_IsRefused()
    {
        using var authority = Samples.NewAuthority();
        using var stranger = Samples.NewAuthority();
        using var pair = authority.Issue(Samples.Server(), Samples.Clock);
        await Assert.ThrowsAsync<AuthenticationException>(() => Handshake.ShakeAsync(pair, stranger.TrustBundle, "registry"));
        await Assert.ThrowsAsync<AuthenticationException>(() => Handshake.ShakeAsync(pair, TrustBundle.Empty, "registry"));
        await Handshake.ShakeAsync(pair, stranger.TrustBundle.Add(authority.TrustBundle), "registry");
    }

    [Fact]
    public async Task CreateServerPolicy_OutsideTheLifeOfTheCertificate_Refuses()
    {
        using var authority = Samples.NewAuthority();
        using var pair = authority.Issue(Samples.Server(), Samples.Clock);
        await Handshake.ShakeAsync(pair, authority.TrustBundle, "registry", new FixedTime(pair.NotAfter.AddSeconds(-1)));
        Assert.False(await Handshake.SucceedsAsync(pair, authority.TrustBundle, "registry", new FixedTime(pair.NotAfter.AddSeconds(1))));
        Assert.False(await Handshake.SucceedsAsync(pair, authority.TrustBundle, "registry", new FixedTime(pair.NotBefore.AddSeconds(-1))));
    }
}
