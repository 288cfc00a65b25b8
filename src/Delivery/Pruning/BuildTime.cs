using System.Globalization;
using System.Text.Json;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Delivery.Pruning;

/// <summary>When content was built, as it says itself: registries do not tell when they were given something.</summary>
internal static class BuildTime
{
    private const string Annotation = "org.opencontainers.image.created";
    private const int LargestConfig = 8 << 20;

    /// <summary>The time; null when it does not say.</summary>
    public static async Task<DateTimeOffset?> ReadAsync(IContentSource source, Descriptor root, CancellationToken cancellationToken)
    {
        if (await source.ReadManifestAsync(root, cancellationToken) is not { } bytes)
            return null;
        var manifest = Manifest.Parse(bytes, root);
        if (Parse(manifest.Annotations.GetValueOrDefault(Annotation)) is { } said)
            return said;
        if (manifest.IsIndex)
            return manifest.Children is [var first, ..] && !MediaTypes.IsIndex(first.MediaType)
                ? await ReadAsync(source, first, cancellationToken) : null;
        return manifest.Config is { Size: > 0 and <= LargestConfig } config && await source.HasBlobAsync(config, cancellationToken)
            ? await ReadConfigAsync(source, config, cancellationToken) : null;
    }

    private static async Task<DateTimeOffset?> ReadConfigAsync(
        IContentSource source, Descriptor config, CancellationToken cancellationToken)
    {
        await using var reader = new BlobReader(source, config, RetryPolicy.Default, TimeProvider.System);
        var bytes = new byte[config.Size];
        await reader.ReadAsync(bytes, cancellationToken);
        try
        {
            using var json = JsonDocument.Parse(bytes);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("created", out var created)
                && created.ValueKind == JsonValueKind.String ? Parse(created.GetString()) : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The configuration of an artifact may be anything, also half a surrogate pair.
            return null;
        }
    }

    /// <summary>The epoch, which reproducible builds write, says nothing.</summary>
    private static DateTimeOffset? Parse(string? text) => DateTimeOffset.TryParse(
        text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) && time.Year > 1980 ? time : null;
}
