using System.Text;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Unit.Tests.Content;

public sealed class ManifestTests
{
    private const string Hash = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    private const string Blob = $$"""{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{Hash}}","size":1}""";

    [Theory]
    [InlineData("""[]""", "not an object")]
    [InlineData("""{"schemaVersion":1}""", "schema 1")]
    [InlineData("""{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v1+prettyjws"}""", "schema 1")]
    [InlineData("""{"schemaVersion":2,"config":BLOB,"layers":[],"manifests":[]}""", "has 'config'")]
    [InlineData("""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":BLOB,"layers":[],"manifests":[]}""",
        "has 'manifests'")]
    [InlineData("""{"schemaVersion":2,"config":BLOB,"config":BLOB,"layers":[]}""", "not valid JSON")]
    [InlineData("""{"schemaVersion":2,"config":BLOB}""", "'layers' is missing")]
    [InlineData("""{"schemaVersion":2,"config":{"mediaType":"x","digest":"sha256:0","size":1},"layers":[]}""",
        "not a sha256 or sha512 digest")]
    [InlineData("""{"schemaVersion":2,"config":{"mediaType":"x","digest":"HASH","size":-1},"layers":[]}""", "no valid size")]
    [InlineData("""{"schemaVersion":2,"mediaType":"text/html","config":BLOB,"layers":[]}""", "not the type of a manifest")]
    public void Parse_AmbiguousOrOld_IsRefusedWithTheReason(string json, string reason)
    {
        var bytes = Encoding.UTF8.GetBytes(json.Replace("BLOB", Blob, StringComparison.Ordinal).Replace("HASH", Hash,
            StringComparison.Ordinal));
        var exception = Assert.Throws<ContentException>(() => Manifest.Parse(bytes));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_AnotherTypeThanAnnounced_IsRefused()
    {
        var bytes = Encoding.UTF8.GetBytes(
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.DockerManifest}}","config":{{Blob}},"layers":[]}""");
        Assert.Contains("announced as", Assert.Throws<ContentException>(() => Manifest.Parse(bytes, MediaTypes.OciManifest)).Message,
            StringComparison.Ordinal);
        Assert.Equal(MediaTypes.DockerManifest, Manifest.Parse(bytes).Descriptor.MediaType);
    }

    [Fact]
    public void Parse_OtherBytesThanDescribed_IsRefused()
    {
        var bytes = Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"config":{{Blob}},"layers":[]}""");
        var described = new Descriptor(MediaTypes.OciManifest, Digest.Parse(Hash), bytes.Length);
        Assert.Contains("does not have", Assert.Throws<ContentException>(() => Manifest.Parse(bytes, described)).Message,
            StringComparison.Ordinal);
    }

    /// <summary>Sizes are added up.</summary>
    [Theory]
    [InlineData("9223372036854775807")]
    [InlineData("17592186044417")]
    [InlineData("-1")]
    public void Parse_SizeThatNoBlobHas_IsRefused(string size)
    {
        var json = $$"""{"schemaVersion":2,"config":{"mediaType":"x","digest":"{{Hash}}","size":{{size}}},"layers":[]}""";
        Assert.Contains("no valid size", Assert.Throws<ContentException>(() => Manifest.Parse(Encoding.UTF8.GetBytes(json))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_HundredMebibytes_IsRefusedBySize() =>
        Assert.Contains("more than the", Assert.Throws<ContentException>(() => Manifest.Parse(new byte[100 << 20])).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData(MediaTypes.HelmConfig, ContentKind.Chart)]
    [InlineData(MediaTypes.OciConfig, ContentKind.Image)]
    [InlineData(MediaTypes.DockerConfig, ContentKind.Image)]
    [InlineData("application/vnd.cncf.notary.signature", ContentKind.Signature)]
    [InlineData("application/spdx+json", ContentKind.Sbom)]
    [InlineData("application/vnd.in-toto+json", ContentKind.Attestation)]
    [InlineData("application/vnd.example", ContentKind.Artifact)]
    public void Of_TypeOfTheConfiguration_IsTheKind(string type, ContentKind kind)
    {
        var config = new Descriptor(type, Digest.Parse(Hash), 1);
        Assert.Equal(kind, ContentKinds.Of(ManifestWriter.Image(config, [])));
    }

    [Theory]
    [InlineData("linux/amd64", "linux/amd64", true)]
    [InlineData("linux/arm", "linux/arm/v7", true)]
    [InlineData("linux/arm/v7", "linux/arm/v6", false)]
    [InlineData("linux/arm64/v8", "linux/arm64", true)]
    [InlineData("linux/arm64", "linux/amd64", false)]
    public void Includes_Platforms(string wanted, string other, bool included) =>
        Assert.Equal(included, Platform.Parse(wanted).Includes(Platform.Parse(other)));
}
