using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Unit.Tests.Content;

public sealed class ReferenceTests
{
    private const string Hash = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Theory]
    [InlineData("nginx", "docker.io/library/nginx:latest")]
    [InlineData("nginx:1.25", "docker.io/library/nginx:1.25")]
    [InlineData("bitnami/redis", "docker.io/bitnami/redis:latest")]
    [InlineData("index.docker.io/nginx", "docker.io/library/nginx:latest")]
    [InlineData("localhost/a", "localhost/a:latest")]
    [InlineData("Registry/a", "Registry/a:latest")]
    [InlineData("registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.9")]
    [InlineData("r.example.com:5000/a/b_c/d--e:x", "r.example.com:5000/a/b_c/d--e:x")]
    [InlineData("[fd00::20]:5000/a", "[fd00::20]:5000/a:latest")]
    [InlineData("10.96.0.20/a@" + Hash, "10.96.0.20/a@" + Hash)]
    [InlineData("nginx:1@" + Hash, "docker.io/library/nginx:1@" + Hash)]
    public void Parse_WhatPeopleWrite_IsTheFullName(string text, string full)
    {
        Assert.Equal(full, Reference.Parse(text).ToString());
        Assert.Equal(full, Reference.Parse(full).ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("Nginx")]
    [InlineData("a/../b")]
    [InlineData("a//b")]
    [InlineData("a/b:")]
    [InlineData("a/b:.x")]
    [InlineData("a b")]
    [InlineData("r.example.com:99999/a")]
    [InlineData("r.example.com:/a")]
    [InlineData("user@r.example.com/a")]
    [InlineData("https://r.example.com/a")]
    [InlineData("a@sha256:abc")]
    [InlineData("a@sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")]
    [InlineData("a@md5:d41d8cd98f00b204e9800998ecf8427e")]
    [InlineData("[::1/a")]
    [InlineData("a\n")]
    [InlineData("r.example.com/a?x=y")]
    [InlineData("r.example.com/a%2f")]
    public void Parse_SomethingElse_IsRefusedByName(string text)
    {
        var exception = Assert.Throws<ContentException>(() => Reference.Parse(text));
        Assert.Contains("is not an image reference", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(exception.Message, char.IsControl);
    }

    [Fact]
    public void Matches_Sha512_IsComputedAsSha512()
    {
        var digest = Digest.Parse("sha512:" + Convert.ToHexStringLower(System.Security.Cryptography.SHA512.HashData("x"u8)));
        Assert.True(digest.Matches("x"u8));
        Assert.False(digest.Matches("y"u8));
    }
}
