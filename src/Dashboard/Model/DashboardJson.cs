using System.Text.Json.Serialization;

namespace CapiRegistryHook.Dashboard.Model;

/// <summary>What a file holds.</summary>
/// <param name="Fleet">All registries.</param>
/// <param name="Registries">Those that were read in depth, by <c>namespace/name</c>.</param>
public sealed record OfflineContent(FleetPage Fleet, IReadOnlyDictionary<string, RegistryDetail> Registries);

/// <summary>What the stream of changes says after each read.</summary>
/// <param name="Revision">The revision of the fleet; the page reads it when it has another one.</param>
/// <param name="ReadAt">When it was read.</param>
/// <param name="Problem">Why it could not be read; null when it could.</param>
internal sealed record FleetSignal(int Revision, DateTimeOffset ReadAt, string? Problem);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OfflineContent))]
[JsonSerializable(typeof(FleetPage))]
[JsonSerializable(typeof(FleetSignal))]
[JsonSerializable(typeof(RegistryDetail))]
[JsonSerializable(typeof(RepositoryList))]
[JsonSerializable(typeof(TagList))]
[JsonSerializable(typeof(ContentList))]
internal sealed partial class DashboardJson : JsonSerializerContext;
