using System.Text;
using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Unit.Tests.Content;

public sealed class MirrorPathTests
{
    [Theory]
    [InlineData("nginx:1", null, "library/nginx")]
    [InlineData("ghcr.io/a/b:1", null, "a/b")]
    [InlineData("nginx:1", "docker.io", "docker.io/library/nginx")]
    [InlineData("registry.example.com:5000/a/b", "registry.example.com:5000", "registry.example.com_5000/a/b")]
    public void PathOf_Mode_IsWhereNodesLook(string image, string? upstream, string path) =>
        Assert.Equal(path, MirrorPaths.PathOf(Reference.Parse(image), upstream is null ? MirrorRule.ByPath : new MirrorRule([upstream])));

    [Theory]
    [InlineData("quay.io/a/b", "docker.io", "add quay.io to mirror.upstreams")]
    [InlineData("[fd00::1]:5000/a", "[fd00::1]:5000", "needs mirror mode default")]
    public void PathOf_WhatNodesDoNotLookFor_IsRefused(string image, string upstream, string reason) =>
        Assert.Contains(reason,
            Assert.Throws<ContentException>(() => MirrorPaths.PathOf(Reference.Parse(image), new MirrorRule([upstream]))).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("docker.io/a/x:1=1", "ghcr.io/a/x:1=2")]
    [InlineData("docker.io/a/x:1=1", "ghcr.io/a/x:2=1")]
    [InlineData("docker.io/a/x:1=1", "ghcr.io/a/x:2=2")]
    public void Map_TwoHostsOnOnePath_AreRefusedWithBothNamesAndTheRemedy(string one, string other)
    {
        var content = new[] { Entry(one), Entry(other) };
        var message = Assert.Throws<ContentException>(() => MirrorPaths.Map(content, MirrorRule.ByPath)).Message;
        Assert.Contains(content[0].Name.ToString(), message, StringComparison.Ordinal);
        Assert.Contains(content[1].Name.ToString(), message, StringComparison.Ordinal);
        Assert.Contains("perUpstream", message, StringComparison.Ordinal);
        Assert.Equal(["docker.io/a/x", "ghcr.io/a/x"], MirrorPaths.Map(content, new MirrorRule(["docker.io", "ghcr.io"])));
    }

    [Fact]
    public void Map_TheSameContentFromTwoHosts_IsFine() =>
        Assert.Equal(["a/x", "a/x", "a/y"],
            MirrorPaths.Map([Entry("docker.io/a/x:1=1"), Entry("ghcr.io/a/x:1=1"), Entry("ghcr.io/a/y:1=3")], MirrorRule.ByPath));

    private static (Reference Name, Digest Digest) Entry(string text) =>
        (Reference.Parse(text.Split('=')[0]), Digest.Compute(Encoding.UTF8.GetBytes(text.Split('=')[1])));
}
