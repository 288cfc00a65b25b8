using System.Text;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Unit.Tests.Delivery.Declared;

public sealed class LockTextTests
{
    private static readonly Digest One = Digest.Compute([1]);
    private static readonly Digest Two = Digest.Compute([2]);

    [Fact]
    public void Parse_LinesOrJson_GivesTheSame()
    {
        var lines = LockText.Parse($"# images\n nginx:1.27@{One}\n\nquay.io/a/b@{Two} # pinned\n", "The lock");
        var json = LockText.Parse($$"""
             {"version":1,"content":[{"name":"quay.io/a/b@{{Two}}","digest":"{{Two}}","size":3,"kind":"Image"},
             {"name":"docker.io/library/nginx:1.27","digest":"{{One}}"}],"blobs":[]}
            """, "The lock");

        Assert.Equal([$"docker.io/library/nginx:1.27@{One}", $"quay.io/a/b@{Two}"], lines.Select(entry => entry.ToString()));
        Assert.Equal(lines, json);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not a reference")]
    [InlineData("""{"version":2,"content":[]}""")]
    [InlineData("""{"version":1,"content":[]}""")]
    [InlineData("""{"version":1,"content":{}}""")]
    [InlineData("""{"version":1,"content":[{"name":"a"}]}""")]
    [InlineData("""{"version":1,"content":[{"name":"a","digest":"sha256:0"}]}""")]
    [InlineData("""{"version":1,"content":[1]}""")]
    [InlineData("""{"version":1""")]
    [InlineData("""{"version":1,"content":[{"name":"\ud800","digest":"x"}]}""")]
    public void Parse_Unusable_IsRefusedWithASentence(string text) =>
        Assert.EndsWith(".", Assert.Throws<ContentException>(() => LockText.Parse(text, "The lock")).Message, StringComparison.Ordinal);

    /// <summary>They are counted before any of them is read.</summary>
    [Fact]
    public void Parse_MoreEntriesThanALockMayHave_IsRefused() => Assert.Contains("10001 entries",
        Assert.Throws<ContentException>(() => LockText.Parse(
            $$"""{"version":1,"content":[{{string.Join(',', Enumerable.Repeat("1", 10_001))}}]}""", "The lock")).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Parse_OneNameWithTwoDigests_IsRefused() => Assert.Contains("docker.io/library/a:1 twice",
        Assert.Throws<ContentException>(() => LockText.Parse($"a:1@{One}\na:1@{Two}", "The lock")).Message, StringComparison.Ordinal);

    /// <summary>Digests of artifacts are compared over years: the bytes are a contract.</summary>
    [Fact]
    public void ArtifactOf_SameContent_IsTheSameForGood()
    {
        var entries = new[] { ("docker.io/library/nginx:1.27", One), ("quay.io/a/b:2", Two) };
        var text = Encoding.UTF8.GetString(LockText.Write(entries));
        var artifact = ResolvedContent.ArtifactOf(new ContentKey("team-a", "base"), entries);

        Assert.Equal(entries, LockText.ReadEntries(text, "The lock").Select(entry => (entry.Name.ToString(), entry.Digest)));
        Assert.Equal("f9181ef70f1a54b9c919fd6820d2507e3f8cec0f93f", artifact.Root.Digest.Hex[..43]);
        Assert.NotEqual(artifact.Root.Digest, ResolvedContent.ArtifactOf(new ContentKey("team-b", "base"), entries).Root.Digest);
    }
}
