using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.Cli.Syncing;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.Unit.Tests.Cli.Syncing;

/// <summary>
/// The table of metrics in docs/fleet-content.md and the reference of RegistryContents are written from what declares them; UPDATE_GOLDEN=1
/// writes them anew.
/// </summary>
public sealed partial class SyncDocumentationTests
{
    private static readonly string Root = RepositoryRoot.Find();

    [Fact]
    public void Metrics_InTheTable_AreThoseOfTheSyncer()
    {
        var page = Path.Combine(Root, "docs", "fleet-content.md");
        var text = File.ReadAllText(page);
        Assert.Single(Table().Matches(text));
        AssertGolden(page, Table().Replace(text, _ => "| metric | type | labels | meaning |\n|---|---|---|---|\n" + string.Concat(
            SyncMetrics.All.Select(metric =>
                $"| `{metric.FullName}` | {metric.Type.ToString().ToLowerInvariant()} "
                    + $"| {string.Join(", ", metric.Labels.Select(label => $"`{label}`"))} | {metric.Meaning} |\n"))));
    }

    [Fact]
    public void Reference_OfTheResource_FollowsItsDefinition()
    {
        using var reader = new StreamReader(Path.Combine(Root, "charts", "capi-registry-hook", "files", "registrycontents.yaml"));
        var properties = YamlJson.Read(reader)!["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!;
        var lines = new List<string>();
        foreach (var part in new[] { "spec", "status" })
        {
            lines.Add($"## {part}\n\n{properties[part]!["description"]}\n\n| field | type | values | meaning |\n|---|---|---|---|");
            Describe(properties[part]!, part, lines);
            lines.Add("");
        }

        AssertGolden(Path.Combine(Root, "docs", "registry-content.md"), $"""
            # RegistryContent

            `capi-registry-hook.io/v1alpha1`, namespaced, short name `regc`. [Content for the whole fleet](fleet-content.md) says how it is used. Fields in bold are required.

            {string.Join('\n', lines).TrimEnd()}

            """);
    }

    private static void Describe(JsonNode schema, string path, List<string> lines)
    {
        var required = (schema["required"] as JsonArray ?? []).Select(name => (string)name!).ToHashSet();
        foreach (var (name, field) in schema["properties"]?.AsObject() ?? [])
        {
            var mark = required.Contains(name) ? "**" : "";
            var type = field!["type"]!.ToString() + (field["items"]?["type"] is { } items ? $" of {items}" : "");
            lines.Add($"| {mark}`{path}.{name}`{mark} | {type} | {Values(field)} | {field["description"]} |");
            Describe(field["items"] ?? field, $"{path}.{name}{(field["items"] is null ? "" : "[]")}", lines);
        }
    }

    private static string Values(JsonNode field)
    {
        var source = field["items"] ?? field;
        if (source["enum"] is JsonArray words)
            return string.Join(", ", words.Select(word => $"`{word}`"));
        return field["maxItems"] is { } most ? $"at most {most}" : "";
    }

    private static void AssertGolden(string path, string wanted)
    {
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
            File.WriteAllText(path, wanted);
        Assert.Equal(wanted, File.ReadAllText(path));
    }

    [GeneratedRegex(@"^\| metric \|.*\n(?:\|.*\n)+", RegexOptions.Multiline)]
    private static partial Regex Table();
}
