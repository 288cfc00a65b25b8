using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Delivery.Reading;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Unit.Tests.Delivery;

public sealed class ContentNameTests
{
    private static readonly MirrorRule PerUpstream = new(["docker.io"]);

    [Theory]
    [InlineData("app:1", "app", "1", "docker.io/app:1")]
    [InlineData("library/nginx", "library/nginx", "latest", "docker.io/library/nginx:latest")]
    [InlineData("docker.io/library/nginx:1.27", "library/nginx", "1.27", "docker.io/library/nginx:1.27")]
    [InlineData("registry.example.com:5000/a/b:1", "a/b", "1", "registry.example.com:5000/a/b:1")]
    public void Resolve_ByPath_FindsTheRepositoryAndTheNameOfManifests(string text, string repository, string selector, string saved)
    {
        var name = ContentName.Resolve(text, MirrorRule.ByPath);

        Assert.Equal((repository, selector, saved), (name.Repository, name.Selector, name.SavedAs.ToString()));
    }

    [Fact]
    public void Resolve_PerUpstream_NamesWithAHostLieBelowIt()
    {
        var name = ContentName.Resolve("docker.io/library/nginx:1.27", PerUpstream);

        Assert.Equal(("docker.io/library/nginx", "docker.io/library/nginx:1.27"), (name.Repository, name.SavedAs.ToString()));
        Assert.Throws<ContentException>(() => ContentName.Resolve("ghcr.io/a/b:1", PerUpstream));
    }

    [Theory]
    [InlineData("")]
    [InlineData("UPPER:1")]
    [InlineData("a b")]
    [InlineData("../x:1")]
    public void Resolve_NoName_IsRefused(string text) =>
        Assert.True(Fault.Is(Assert.ThrowsAny<Exception>(() => ContentName.Resolve(text, MirrorRule.ByPath))));
}
