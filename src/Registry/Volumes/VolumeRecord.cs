using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Volumes;

/// <summary>
/// How full a registry's volumes were when they were last read. It lies in an annotation of the HelmChartProxy, so that a process that
/// takes over and the status command know it without calling the workload cluster.
/// </summary>
/// <param name="ReadAt">When they were read.</param>
/// <param name="Volumes">One per pod, by name; empty when the storage has no statistics.</param>
internal sealed record VolumeRecord(DateTimeOffset ReadAt, IReadOnlyList<VolumeUsage> Volumes)
{
    /// <summary>On the HelmChartProxy.</summary>
    public const string Annotation = ObjectHeader.Noted;

    /// <summary>A registry has nine replicas at most, and the caches beside it a pod or a few per upstream.</summary>
    public const int MostVolumes = 100;

    /// <summary>From here on people should act; the level is left again five points below.</summary>
    public const int FillingPercent = 80;

    private const int Hysteresis = 5;

    /// <summary>Less than this much news is not worth a write to the management cluster.</summary>
    private static readonly TimeSpan Refresh = TimeSpan.FromHours(24);

    private const int LongestText = 64 * 1024;

    /// <summary>One of the volumes is so full that people were told.</summary>
    public bool IsFilling { get; init; }

    /// <summary>How full the fullest one is, 0 to 100; null when the storage has no statistics.</summary>
    public int? Percent => Volumes.Count == 0 ? null : Volumes.Max(volume => volume.Percent);

    /// <summary>What was read now, with what was known before: a level is left later than it is entered.</summary>
    public static VolumeRecord After(VolumeRecord? before, IReadOnlyList<VolumeUsage> volumes, DateTimeOffset now)
    {
        var record = new VolumeRecord(now, volumes);
        var threshold = before?.IsFilling == true ? FillingPercent - Hysteresis : FillingPercent;
        return record with { IsFilling = record.Percent >= threshold };
    }

    /// <summary>Whether this has to be written down, after that.</summary>
    public bool IsNews(VolumeRecord? before) =>
        before is null || IsFilling != before.IsFilling || ReadAt - before.ReadAt >= Refresh || !Volumes.Select(Rounded).SequenceEqual(
            before.Volumes.Select(Rounded));

    /// <summary>Null when the annotation is missing or not one of ours.</summary>
    public static VolumeRecord? Read(IReadOnlyDictionary<string, string>? annotations)
    {
        if (annotations?.GetValueOrDefault(Annotation) is not { Length: <= LongestText } text)
            return null;
        try
        {
            return JsonSerializer.Deserialize(text, VolumeJson.Default.VolumeText) is { Volumes: { Count: <= MostVolumes } volumes } read
                && KubernetesTime.TryParse(read.Read, out var at) && volumes.All(IsPlausible)
                    ? new VolumeRecord(at, volumes) { IsFilling = read.Filling } : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The patch that writes it down.</summary>
    public JsonObject ToPatch()
    {
        var text = JsonSerializer.Serialize(
            new VolumeText(KubernetesTime.Format(ReadAt), Volumes, IsFilling), VolumeJson.Default.VolumeText);
        return new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [Annotation] = text } } };
    }

    private static bool IsPlausible(VolumeUsage? volume) =>
        volume is { Capacity: > 0, Used: >= 0, Inodes: >= 0, InodesUsed: >= 0 } && KubernetesNames.IsLabel(volume.Pod);

    private static (string Pod, long Capacity, int Percent) Rounded(VolumeUsage volume) => (volume.Pod, volume.Capacity, volume.Percent);
}

/// <summary>The text of the annotation.</summary>
internal sealed record VolumeText(string? Read, IReadOnlyList<VolumeUsage>? Volumes, bool Filling);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(VolumeText))]
internal sealed partial class VolumeJson : JsonSerializerContext;
