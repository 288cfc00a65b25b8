using System.Text;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Unit.Tests.Content;

namespace CapiRegistryHook.Unit.Tests.Delivery.Declared;

/// <summary>Bundles on the volume of the syncer: each namespace has a folder, into which its owner may write.</summary>
public sealed class ContentResolverTests : IAsyncDisposable
{
    private const string Name = "docker.io/library/nginx:1.27";

    private readonly ScratchFolder _volume = ScratchFolder.Create("capi-registry-hook-bundles-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _volume.DisposeAsync();

    [Fact]
    public async Task ResolveAsync_OneNameTwice_IsOneEntry()
    {
        WriteLayout("team-a/site", (Name, "a"), ("nginx:1.27", "a"));

        using var resolved = await ResolveAsync("team-a", "site");

        Assert.Equal(Name, Assert.Single(resolved.Entries).Label);
    }

    [Fact]
    public async Task ResolveAsync_OneNameWithTwoDigests_IsRefused()
    {
        WriteLayout("team-a/site", (Name, "a"), ("nginx:1.27", "b"));

        var refusal = await Assert.ThrowsAsync<DeliveryException>(() => ResolveAsync("team-a", "site"));

        Assert.Contains($"different content under the name {Name}", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Those of other registries are of no use, and they would be written over the registry's own.</summary>
    [Fact]
    public async Task ResolveAsync_Backup_LeavesTheLocksOfTheRegistryOut()
    {
        WriteLayout("team-a/site", (Name, "a"), ($"docker.io/{ContentArtifact.Repository}:team-b.base", "b"));

        using var resolved = await ResolveAsync("team-a", "site");

        Assert.Equal(Name, Assert.Single(resolved.Entries).Label);
    }

    [Theory]
    [InlineData("link")]
    [InlineData("folder/site")]
    public async Task ResolveAsync_LinkToAnotherNamespace_IsNotFollowed(string path)
    {
        WriteLayout("team-b/site", (Name, "a"));
        Directory.CreateDirectory(_volume["team-a"]);
        Directory.CreateSymbolicLink(_volume["team-a/link"], _volume["team-b/site"]);
        Directory.CreateSymbolicLink(_volume["team-a/folder"], _volume["team-b"]);

        var refusal = await Assert.ThrowsAsync<DeliveryException>(() => ResolveAsync("team-a", path));

        Assert.Contains("symbolic link", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_BlobsBehindALink_AreNotThere()
    {
        WriteLayout("team-b/site", (Name, "a"));
        WriteLayout("team-a/site", (Name, "a"));
        Directory.Delete(_volume["team-a/site/blobs"], recursive: true);
        Directory.CreateSymbolicLink(_volume["team-a/site/blobs"], _volume["team-b/site/blobs"]);

        using var resolved = await ResolveAsync("team-a", "site");

        Assert.Null(await resolved.Entries[0].Source.ReadManifestAsync(resolved.Entries[0].Root, Cancelled));
    }

    private Task<ResolvedContent> ResolveAsync(string @namespace, string path)
    {
        var content = new RegistryContent
        {
            Metadata = new ObjectMeta { Name = "base", Namespace = @namespace },
            Spec = new RegistryContentSpec { Source = new ContentSource(Bundle: new BundleSourceSpec(path)) },
        };
        // A bundle that brings its own lock asks nobody.
        return new ContentResolver(null!, _volume.Path, new AddressPolicy([]), TimeProvider.System).ResolveAsync(content, null, Cancelled);
    }

    private void WriteLayout(string folder, params (string Name, string Image)[] images)
    {
        var source = new MemorySource();
        var entries = images.Select(image => source.AddImage(image.Image) with
        {
            Platform = null, Annotations = new Dictionary<string, string> { [LayoutNames.RefName] = image.Name },
        }).ToList();
        Directory.CreateDirectory(_volume[$"{folder}/blobs/sha256"]);
        foreach (var (digest, bytes) in source.Files)
            File.WriteAllBytes(_volume[$"{folder}/blobs/sha256/{digest.Hex}"], bytes);
        File.WriteAllBytes(_volume[$"{folder}/index.json"], ManifestWriter.Index(entries).Bytes.ToArray());
        File.WriteAllBytes(_volume[$"{folder}/oci-layout"], Encoding.UTF8.GetBytes("""{"imageLayoutVersion":"1.0.0"}"""));
    }
}
