using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Text;
using YamlDotNet.Core;

namespace CapiRegistryHook.Registry.Chart;

/// <summary>
/// Keeps a registry's volumes as they were first installed. Kubernetes refuses every change to the volume claim templates of a
/// StatefulSet, so a release with another size, class or kind of storage would fail, and with it each later upgrade of the
/// registry, even when only a new default of the chart or of the admin is behind the change.
/// </summary>
internal static class InstalledVolumes
{
    public const string ClaimedVolumes = "pvc";

    private const string Size = "size";

    private static readonly string[] Fields = ["type", Size, "storageClassName", "accessModes", "annotations"];

    private static readonly string[] OfStorage = ["storage", "httpSecret"];

    /// <summary>
    /// The values with the volumes that the registry and its caches have, or, when they are not installed yet, with all that their volumes
    /// are made of.
    /// </summary>
    /// <param name="wanted">Values for the shipped chart.</param>
    /// <param name="installed">What <see cref="Read"/> returned.</param>
    /// <param name="grownTo">The size that the installed volumes have grown to; null when they have not.</param>
    public static KeptValues Keep(JsonObject wanted, JsonObject? installed, string? grownTo = null)
    {
        var registry = KeepRegistry(wanted, installed, grownTo);
        var caches = InstalledCaches.Keep(registry.Values, installed);
        return registry with { Values = caches.Values, IsOther = registry.IsOther || caches.IsOther };
    }

    /// <summary>The size of the registry's claimed volumes; null when there are none.</summary>
    public static string? SizeOf(JsonObject? values) =>
        values is not null && Describe(values) is var storage && IsClaimed(storage) ? storage[Size]?.ToString() : null;

    private static KeptValues KeepRegistry(JsonObject wanted, JsonObject? installed, string? grownTo)
    {
        var asked = Describe(wanted);
        var has = installed is null ? null : Describe(installed);
        if (!IsClaimed(asked) && !IsClaimed(has))
            return new KeptValues(wanted, IsOther: false);
        if (has is not null && IsClaimed(asked) != IsClaimed(has))
            return new KeptValues(WithWhole(wanted, installed!), IsOther: true);

        var kept = has ?? asked;
        if (has is not null && grownTo is not null)
            kept[Size] = grownTo;
        return Compare(asked, kept, HelmValues.Has(wanted, "storage.size")) with { Values = With(wanted, kept) };
    }

    /// <summary>A larger size does not need another volume: the installed one can grow. A new default of the chart grows none.</summary>
    private static KeptValues Compare(JsonObject asked, JsonObject kept, bool isRequested)
    {
        var (wish, size) = (asked[Size]?.ToString() ?? "", kept[Size]?.ToString() ?? "");
        var isLarger = isRequested && Quantity.IsLess(size, wish);
        var rest = (JsonObject)asked.DeepClone();
        rest[Size] = kept[Size]?.DeepClone();
        return new KeptValues([], IsOther: !IsSame(isLarger ? rest : asked, kept))
        {
            LargerSize = isLarger ? wish : null,
            IsSmaller = IsSame(rest, kept) && Quantity.IsLess(wish, size),
        };
    }

    /// <summary>
    /// The chart refuses a kind of storage without its bucket, server or claim, and shared storage without the key of uploads; who asks
    /// for another kind may have taken them away.
    /// </summary>
    private static JsonObject WithWhole(JsonObject wanted, JsonObject installed)
    {
        var values = HelmValues.Merge(wanted, []);
        foreach (var field in OfStorage)
        {
            values.Remove(field);
            if (installed[field] is { } kept)
                values[field] = kept.DeepClone();
        }

        return values;
    }

    /// <summary>Whether an earlier version wrote all that the volumes are made of, as <see cref="Keep"/> does.</summary>
    public static bool AreWritten(JsonObject wanted, JsonObject? installed) =>
        wanted["storage"] is null or JsonObject && installed?["storage"] is JsonObject storage
        && Array.TrueForAll(Fields, storage.ContainsKey);

    private static JsonObject With(JsonObject wanted, JsonObject storage)
    {
        var values = HelmValues.Merge(wanted, new JsonObject { ["storage"] = new JsonObject() });
        foreach (var (field, value) in storage)
            values["storage"]![field] = value?.DeepClone();
        return values;
    }

    private static bool IsClaimed(JsonObject? storage) => storage?["type"]?.ToString() == ClaimedVolumes;

    /// <summary>Everything that goes into the volume claim templates, also what is only the chart's default today.</summary>
    private static JsonObject Describe(JsonObject values)
    {
        var storage = (JsonObject)HelmValues.Coalesce(ShippedChart.Defaults, values)["storage"]!;
        return new JsonObject(Fields.Select(field => KeyValuePair.Create(field, storage[field]?.DeepClone())));
    }

    /// <summary>Compares in one form for numbers, however they were read.</summary>
    public static bool IsSame(JsonObject one, JsonObject other) => JsonNode.DeepEquals(Compact(one), Compact(other));

    private static JsonNode? Compact(JsonObject values) => JsonNode.Parse(values.ToJsonString());

    /// <summary>The values that a registry was installed with.</summary>
    /// <param name="template">The values template of the live HelmChartProxy; null when there is none.</param>
    /// <returns>Null when there are none, or somebody else wrote them.</returns>
    public static JsonObject? Read(string? template)
    {
        if (template is null)
            return null;
        try
        {
            var values = BoundedYaml.Load(YamlText.FromTemplate(template)).Select(YamlToJson.Convert).SingleOrDefault() as JsonObject;
            return values?.TryGetPropertyValue("storage", out var storage) == true && storage is not JsonObject ? null : values;
        }
        catch (Exception exception) when (exception is YamlException or InvalidDataException or InvalidOperationException)
        {
            return null;
        }
    }
}

/// <summary>Values that fit the installed volumes.</summary>
/// <param name="Values">What is to be written.</param>
/// <param name="IsOther">True when other volumes were asked for.</param>
internal sealed record KeptValues(JsonObject Values, bool IsOther)
{
    /// <summary>The size that was asked for, when it is larger than that of the installed volumes; null otherwise.</summary>
    public string? LargerSize { get; init; }

    /// <summary>Nothing but a smaller size was asked for.</summary>
    public bool IsSmaller { get; init; }
}
