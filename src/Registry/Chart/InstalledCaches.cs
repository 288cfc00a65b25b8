using System.Text.Json.Nodes;

namespace CapiRegistryHook.Registry.Chart;

/// <summary>
/// Keeps the volumes of caches as they were first installed, for the reason of <see cref="InstalledVolumes"/>: each cache is a StatefulSet
/// of its own. A cache of another host is new, and gets the size that is requested for it.
/// </summary>
internal static class InstalledCaches
{
    private const string PullThrough = "pullThrough";
    private const string Upstreams = "upstreams";
    private const string Host = "host";
    private const string Size = "size";

    private static readonly string[] Fields = ["type", "storageClassName"];

    /// <param name="wanted">Values for the shipped chart.</param>
    /// <param name="installed">The values that the registry was installed with; null when it is not installed.</param>
    public static KeptValues Keep(JsonObject wanted, JsonObject? installed)
    {
        var asked = SizesOf(wanted);
        if (asked.Count == 0)
            return new KeptValues(wanted, IsOther: false);

        var has = SizesOf(installed ?? []);
        var stays = asked.Keys.Any(has.ContainsKey);
        var storage = StorageOf(stays ? installed! : wanted);
        var isClaimed = Text(storage["type"]) == InstalledVolumes.ClaimedVolumes;
        var sizes = asked.ToDictionary(
            cache => cache.Key, cache => isClaimed ? has.GetValueOrDefault(cache.Key, cache.Value) : cache.Value);
        var isOther = !InstalledVolumes.IsSame(storage, StorageOf(wanted)) || asked.Any(cache => sizes[cache.Key] != cache.Value);
        return new KeptValues(With(wanted, storage, sizes), isOther);
    }

    private static JsonObject With(JsonObject wanted, JsonObject storage, Dictionary<string, string> sizes)
    {
        var values = HelmValues.Merge(wanted, new JsonObject { [PullThrough] = new JsonObject { ["storage"] = storage } });
        foreach (var cache in values[PullThrough]![Upstreams]!.AsArray())
            cache![Size] = sizes[Text(cache[Host])!];
        return values;
    }

    /// <summary>By the upstream's host, the size of a cache's volume.</summary>
    private static Dictionary<string, string> SizesOf(JsonObject values)
    {
        var all = AllOf(values);
        var standard = Text(Storage(all)?[Size]) ?? "";
        return (all?[Upstreams] as JsonArray ?? []).OfType<JsonObject>()
            .GroupBy(cache => Text(cache[Host]) ?? "")
            .ToDictionary(caches => caches.Key, caches => Text(caches.First()[Size]) ?? standard);
    }

    private static JsonObject StorageOf(JsonObject values)
    {
        var storage = Storage(AllOf(values));
        return new JsonObject(Fields.Select(field => KeyValuePair.Create(field, storage?[field]?.DeepClone())));
    }

    private static JsonObject? Storage(JsonObject? all) => all?["storage"] as JsonObject;

    private static JsonObject? AllOf(JsonObject values) => HelmValues.Coalesce(ShippedChart.Defaults, values)[PullThrough] as JsonObject;

    /// <summary>Null for everything else: installed values may have been edited by anybody.</summary>
    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
