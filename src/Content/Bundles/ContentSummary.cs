using System.Text.Json;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Bundles;

/// <summary>One line of a list of content.</summary>
/// <param name="Name">The name in full; null where the source has none.</param>
/// <param name="Digest">The digest of its manifest or index.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Platforms">What it runs on; empty where that is not said.</param>
/// <param name="Size">All its blobs and manifests in bytes; shared ones count in each.</param>
public sealed record ContentSummary(string? Name, Digest Digest, ContentKind Kind, IReadOnlyList<string> Platforms, long Size)
{
    private const int LargestConfig = 8 << 20;

    /// <summary>Where the wish for it came from, for example a chart's template; empty where nobody said.</summary>
    public IReadOnlyList<string> Why { get; init; } = [];

    /// <summary>The digest upstream, where the index has been cut to some platforms; else null.</summary>
    public Digest? Upstream { get; init; }

    /// <summary>Sums up a tree; the configuration of an image of one platform is read for that platform.</summary>
    public static async Task<ContentSummary> ReadAsync(
        IContentSource source, string? name, ContentTree tree, CancellationToken cancellationToken)
    {
        var root = tree.Manifests.FirstOrDefault(manifest => manifest.Descriptor.Digest == tree.Root.Digest);
        var kind = root is null ? ContentKind.Artifact : ContentKinds.Of(root);
        var platforms = tree.Platforms.Select(platform => platform.ToString()).ToList();
        if (platforms.Count == 0 && kind == ContentKind.Image && root?.Config is { Size: <= LargestConfig } config
            && await source.HasBlobAsync(config, cancellationToken))
            platforms.AddRange(await PlatformAsync(source, config, cancellationToken));
        return new ContentSummary(name, tree.Root.Digest, kind, platforms, tree.Size);
    }

    private static async Task<IEnumerable<string>> PlatformAsync(
        IContentSource source, Descriptor config, CancellationToken cancellationToken)
    {
        await using var reader = new BlobReader(source, config, RetryPolicy.Default, TimeProvider.System);
        var bytes = new byte[config.Size];
        await reader.ReadAsync(bytes, cancellationToken);
        try
        {
            using var document = JsonDocument.Parse(bytes);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || DescriptorJson.Text(root, "os") is not { } os
                || DescriptorJson.Text(root, "architecture") is not { } architecture)
                return [];
            var variant = DescriptorJson.Text(root, "variant");
            return Platform.IsWord(os) && Platform.IsWord(architecture)
                ? [new Platform(os, architecture, variant is not null && Platform.IsWord(variant) ? variant : null).ToString()] : [];
        }
        catch (Exception exception) when (exception is JsonException or ContentException)
        {
            // Some tools' configurations are not images'.
            return [];
        }
    }
}
