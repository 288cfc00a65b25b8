using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Preflight;

/// <summary>
/// The images of the registry's own pods. No registry can serve them to the nodes that start it, so they have to come from elsewhere.
/// </summary>
internal static class RegistryImages
{
    /// <summary>Storage that each replica has for itself, and a sidecar fills.</summary>
    private static readonly string[] PrivateStorage = ["pvc", "hostPath", "emptyDir"];

    private const string GlobalRegistry = "global.imageRegistry";

    /// <summary>The references in full, without duplicates.</summary>
    /// <param name="values">The values of the admin and the cluster's variable.</param>
    public static IReadOnlyList<string> Of(JsonObject values)
    {
        var all = HelmValues.Coalesce(ShippedChart.Defaults, values);
        List<string> images = [Reference(all, "image")];
        if ((ChartValues.Replicas(values) > 1 && PrivateStorage.Contains(Text(all, "storage.type"))) || Fetches(all))
            images.Add(Reference(all, "sync.image"));
        if (IsOn(all, "garbageCollection.enabled"))
            images.Add(Reference(all, "garbageCollection.image"));
        return [.. images.Where(image => image.Length > 0).Distinct()];
    }

    private static bool Fetches(JsonObject values) =>
        IsOn(values, "sync.pull") || HelmValues.Find(values, "sync.sources") is JsonArray { Count: > 0 };

    private static bool IsOn(JsonObject values, string path) =>
        HelmValues.Find(values, path) is JsonValue value && value.TryGetValue<bool>(out var isOn) && isOn;

    /// <summary>As the chart's template <c>registry.imageReference</c> writes it; empty where the values name no image.</summary>
    private static string Reference(JsonObject values, string field)
    {
        if (Text(values, $"{field}.repository") is not { Length: > 0 } repository)
            return "";
        var registry = Text(values, GlobalRegistry) is { Length: > 0 } global ? global : Text(values, $"{field}.registry");
        var name = string.IsNullOrEmpty(registry) ? repository : $"{registry}/{repository}";
        return Text(values, $"{field}.digest") is { Length: > 0 } digest ? $"{name}@{digest}" : $"{name}:{Text(values, $"{field}.tag")}";
    }

    private static string? Text(JsonObject values, string path) =>
        HelmValues.Find(values, path) is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
