using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Registry.Chart;

/// <summary>The registry chart that was built into this program. Each part is read when it is first needed.</summary>
internal static class ShippedChart
{
    private static readonly Lazy<IReadOnlyList<ChartFile>> LazyFiles = new(ChartFile.Shipped);
    private static readonly Lazy<JsonObject> LazyDefaults = new(() => ChartText.ReadYaml(Files, "values.yaml"));
    private static readonly Lazy<ValueSchema> LazySchema = new(() => ValueSchema.Read(ChartText.Read(Files, "values.schema.json")));

    /// <summary>Values of one cluster have 1 to 2 KB. Beyond it all is forgotten, and found out again.</summary>
    private const int MostVerdicts = 256;

    /// <summary>The verdicts on values seen before: most clusters of a fleet ask for the same, and the schema takes milliseconds.</summary>
    private static readonly ConcurrentDictionary<string, IReadOnlyList<SchemaViolation>> Verdicts = new(StringComparer.Ordinal);

    private static readonly Lazy<JsonObject> LazyMetadata = new(() => ChartText.ReadYaml(Files, "Chart.yaml"));

    public static IReadOnlyList<ChartFile> Files => LazyFiles.Value;

    /// <summary>The chart's own values; not to be changed.</summary>
    public static JsonObject Defaults => LazyDefaults.Value;

    /// <summary>The version of the chart, which is that of this program.</summary>
    public static string Version => (string)LazyMetadata.Value["version"]!;

    /// <summary>True for the name and the version of this very chart, wherever it is served.</summary>
    public static bool Is(string name, string version) =>
        name == (string?)LazyMetadata.Value["name"] && version == Version;

    /// <summary>What the chart would refuse of values that are laid over its own, as Helm does it before it renders.</summary>
    public static IReadOnlyList<SchemaViolation> Validate(JsonObject values)
    {
        if (Verdicts.Count >= MostVerdicts)
            Verdicts.Clear();
        return Verdicts.GetOrAdd(values.ToJsonString(), _ => LazySchema.Value.Validate(HelmValues.Coalesce(Defaults, values)));
    }
}
