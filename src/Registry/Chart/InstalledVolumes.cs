using System.Text.Json.Nodes;
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
    private const string ClaimedVolumes = "pvc";

    private static readonly string[] Fields = ["type", "size", "storageClassName", "accessModes", "annotations"];

    /// <summary>
    /// The values with the storage that the registry has, or, when it is not installed yet, with all that its volumes are made of.
    /// </summary>
    /// <param name="wanted">Values for the shipped chart.</param>
    /// <param name="installed">What <see cref="Read"/> returned.</param>
    public static KeptValues Keep(JsonObject wanted, JsonObject? installed)
    {
        var asked = Describe(wanted);
        var has = installed is null ? null : Describe(installed);
        if (!IsClaimed(asked) && !IsClaimed(has))
            return new KeptValues(wanted, IsOther: false);

        var kept = has ?? asked;
        return new KeptValues(With(wanted, kept), IsOther: !JsonNode.DeepEquals(Compact(asked), Compact(kept)));
    }

    private static JsonObject With(JsonObject wanted, JsonObject storage)
    {
        var values = HelmValues.Merge(wanted, new JsonObject { ["storage"] = new JsonObject() });
        foreach (var (field, value) in storage)
            values["storage"]![field] = value?.DeepClone();
        return values;
    }

    private static bool IsClaimed(JsonObject? storage) => (string?)storage?["type"] == ClaimedVolumes;

    /// <summary>Everything that goes into the volume claim templates, also what is only the chart's default today.</summary>
    private static JsonObject Describe(JsonObject values)
    {
        var storage = (JsonObject)HelmValues.Coalesce(ShippedChart.Defaults, values)["storage"]!;
        return new JsonObject(Fields.Select(field => KeyValuePair.Create(field, storage[field]?.DeepClone())));
    }

    /// <summary>One form for numbers, however they were read.</summary>
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
            return BoundedYaml.Load(YamlText.FromTemplate(template)).Select(YamlToJson.Convert).SingleOrDefault() as JsonObject;
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
internal sealed record KeptValues(JsonObject Values, bool IsOther);
