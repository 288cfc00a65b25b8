using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>
/// What differs between clusters in the admin's values: <c>${cluster}</c> and <c>${namespace}</c> are replaced with the Cluster's name and
/// namespace. <c>$${</c> stands for a literal <c>${</c>, so that a typing error is never taken for text.
/// </summary>
internal static partial class ValuePlaceholders
{
    public const string Cluster = "${cluster}";
    public const string Namespace = "${namespace}";

    private const string Escaped = "$${";
    private const string Opening = "${";

    /// <summary>A Cluster for checks that are made before there is one.</summary>
    public static NamespacedName Sample { get; } = new("default", "cluster");

    /// <summary>A copy of the values in which every placeholder is filled.</summary>
    public static JsonObject Fill(JsonObject values, NamespacedName cluster) => (JsonObject)Fill((JsonNode)values, cluster)!;

    /// <summary>What looks like a placeholder and is none, a sentence each.</summary>
    public static IEnumerable<string> FindProblems(JsonObject values) => FindProblems(values, "");

    private static JsonNode? Fill(JsonNode? node, NamespacedName cluster) => node switch
    {
        JsonObject map => new JsonObject(map.Select(field => KeyValuePair.Create(field.Key, Fill(field.Value, cluster)))),
        JsonArray list => new JsonArray([.. list.Select(item => Fill(item, cluster))]),
        JsonValue value when IsText(value) => Fill(value.GetValue<string>(), cluster),
        _ => node?.DeepClone(),
    };

    private static string Fill(string text, NamespacedName cluster) => Pattern().Replace(text, match => match.Value switch
    {
        Escaped => Opening,
        Cluster => cluster.Name,
        Namespace => cluster.Namespace,
        _ => match.Value,
    });

    private static IEnumerable<string> FindProblems(JsonNode? node, string path) => node switch
    {
        JsonObject map => map.SelectMany(field =>
            FindProblemsInName(field.Key, path).Concat(FindProblems(field.Value, path.Length == 0 ? field.Key : $"{path}.{field.Key}"))),
        JsonArray list => list.SelectMany((item, index) => FindProblems(item, $"{path}[{index}]")),
        JsonValue value when IsText(value) => Pattern().Matches(value.GetValue<string>())
            .Select(match => match.Value)
            .Where(match => match is not (Escaped or Cluster or Namespace))
            .Select(match => $"The value {path} contains {match}, which is not a placeholder: "
                + $"use {Cluster} or {Namespace}, or write {Escaped} for a literal {Opening}."),
        _ => [],
    };

    private static IEnumerable<string> FindProblemsInName(string name, string path)
    {
        if (name.Contains(Opening, StringComparison.Ordinal))
            yield return $"The value {(path.Length == 0 ? name : path)} has a placeholder in the name of a field; only values are filled.";
    }

    private static bool IsText(JsonValue value) => value.GetValueKind() == JsonValueKind.String;

    [GeneratedRegex(@"\$\$\{|\$\{[^}]*\}?", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
