using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.Registry.Chart;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>
/// Keeps the registries of different clusters out of each other's storage. The admin's values are the same for all clusters, so a bucket,
/// an export or a claim would be one folder for all of them, and a garbage collection removes every layer that its own registry does not
/// reference.
/// </summary>
internal static partial class SharedStorage
{
    /// <summary>By storage type, the fields that say where the layers are; the last one is the best to divide.</summary>
    private static readonly Dictionary<string, string[]> Places = new()
    {
        ["existingClaim"] = ["claimName", "folder"],
        ["nfs"] = ["server", "path"],
        ["s3"] = ["endpoint", "bucket", RootDirectory],
        ["gcs"] = ["bucket", RootDirectory],
        ["azure"] = ["accountName", "container", RootDirectory],
    };

    /// <summary>The same fields in the configuration of CNCF Distribution.</summary>
    private static readonly string[] ConfiguredPlaces = ["rootdirectory", "bucket", "container", "accountname", "regionendpoint"];

    private const string RootDirectory = "rootDirectory";
    private const string EnvironmentPrefix = "REGISTRY_STORAGE_";

    /// <summary>A sentence for everything that would put two clusters into one place.</summary>
    /// <param name="values">The admin's values for the shipped chart, with their placeholders.</param>
    public static IEnumerable<string> FindProblems(JsonObject values)
    {
        var all = HelmValues.Coalesce(ShippedChart.Defaults, values);
        foreach (var path in OverriddenPlaces(all))
            yield return $"The value {path} overrides where the registry keeps its layers; remove it and set the fields of storage.";
        if ((string?)all["storage"]!["type"] is { } type && Places.TryGetValue(type, out var fields) && !IsDivided(all, type, fields))
            yield return $"The value storage.{type} would put the registries of all clusters into one place, where the garbage collection "
                + $"of one removes the layers of the others: put {ValuePlaceholders.Namespace} and {ValuePlaceholders.Cluster} into "
                + $"storage.{type}.{BestField(all, type, fields)}, with a \"/\" or \".\" between them.";
    }

    /// <summary>True when the namespace and the name of a Cluster can be read from its place.</summary>
    private static bool IsDivided(JsonObject all, string type, string[] fields)
    {
        var place = string.Join('/', fields.Where(field => Counts(all, type, field)).Select(field => Text(all["storage"]?[type]?[field])));
        var found = Placeholder().Matches(place);
        return found.Select(match => match.Value).Distinct().Count() == 2 && found.Zip(found.Skip(1)).All(pair =>
            pair.First.Value == pair.Second.Value
            || place[(pair.First.Index + pair.First.Length)..pair.Second.Index].AsSpan().ContainsAny('/', '.'));
    }

    private static string BestField(JsonObject all, string type, string[] fields) => fields.Last(field => Counts(all, type, field));

    /// <summary>CNCF Distribution 2.8 ignores the folder in a container of Azure.</summary>
    private static bool Counts(JsonObject all, string type, string field)
    {
        if (type != "azure" || field != RootDirectory)
            return true;
        var image = all["image"];
        var version = Text(image?["version"]) is { Length: > 0 } said
            ? said : Text(image?["digest"]).Length == 0 ? Text(image?["tag"]) : "";
        return VersionThree().IsMatch(version);
    }

    private static IEnumerable<string> OverriddenPlaces(JsonObject all)
    {
        foreach (var (driver, settings) in all["config"]?["storage"] as JsonObject ?? [])
        {
            foreach (var field in ConfiguredPlaces.Where(field => (settings as JsonObject)?.ContainsKey(field) == true))
                yield return $"config.storage.{driver}.{field}";
        }

        foreach (var (index, variable) in (all["extraEnv"] as JsonArray ?? []).Index())
        {
            var name = Text(variable?["name"]).ToUpperInvariant();
            if (name.StartsWith(EnvironmentPrefix, StringComparison.Ordinal)
                && ConfiguredPlaces.Any(field => name.EndsWith($"_{field.ToUpperInvariant()}", StringComparison.Ordinal)))
                yield return $"extraEnv[{index}]";
        }
    }

    private static string Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";

    /// <summary>An escaped one is text.</summary>
    [GeneratedRegex(@"(?<!\$)\$\{(cluster|namespace)\}", RegexOptions.CultureInvariant)]
    private static partial Regex Placeholder();

    [GeneratedRegex("^v?3([.-]|$)", RegexOptions.CultureInvariant)]
    private static partial Regex VersionThree();
}
