using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Unit.Tests.Registry.Chart;

/// <summary>Every row of docs/registry.md that says "immutable" is refused or kept as the page says.</summary>
public sealed class ImmutableValuesTests
{
    private const string Installed = """
        {
          "storage": { "type": "pvc", "size": "7Gi", "storageClassName": "a", "accessModes": ["ReadWriteOnce"], "annotations": {} },
          "pullThrough": { "storage": { "type": "pvc", "size": "5Gi", "storageClassName": "a" }, "upstreams": [{ "host": "a.io", "size": "5Gi" }] }
        }
        """;

    /// <summary>By the first value that a row names, the values that an admin might change.</summary>
    private static readonly Dictionary<string, string[]> Changes = new()
    {
        ["nameOverride"] = ["""{"nameOverride":"b"}""", """{"fullnameOverride":"b"}"""],
        ["podLabels"] = ["""{"podLabels":{"app.kubernetes.io/name":"b"}}""", """{"commonLabels":{"app.kubernetes.io/instance":"b"}}"""],
        ["storage.size"] =
        [
            """{"storage":{"size":"6Gi"}}""", """{"storage":{"storageClassName":"b"}}""",
            """{"storage":{"accessModes":["ReadWriteMany"]}}""",
            """{"storage":{"annotations":{"a":"b"}}}""",
        ],
        ["storage.type"] = ["""{"storage":{"type":"emptyDir"}}""", """{"storage":{"type":"hostPath","hostPath":{"path":"/b"}}}"""],
        ["pullThrough.storage.*"] =
        [
            """{"pullThrough":{"storage":{"type":"emptyDir"}}}""", """{"pullThrough":{"storage":{"storageClassName":"b"}}}""",
            """{"pullThrough":{"upstreams":[{"host":"a.io","remoteURL":"https://a.io","port":5001,"size":"9Gi"}]}}""",
        ],
        ["service.clusterIPs"] =
        [
            """{"service":{"clusterIPs":["10.0.0.1"]}}""", """{"primaryService":{"clusterIPs":["10.0.0.1"]}}""",
            """{"service":{"ipFamilies":["IPv6"]}}""",
        ],
    };

    public static TheoryData<string, string, string> Rows
    {
        get
        {
            var rows = new TheoryData<string, string, string>();
            foreach (var cells in Page().Select(line => line.Split('|', StringSplitOptions.TrimEntries)))
            {
                var value = cells[1].Split('`')[1];
                foreach (var change in Changes[value])
                    rows.Add(value, change, cells[3]);
            }

            return rows;
        }
    }

    [Fact]
    public void Page_ImmutableRows_AreAllTried() =>
        Assert.Equal(Changes.Keys.Order(), Page().Select(line => line.Split('`')[1]).Order());

    [Theory]
    [MemberData(nameof(Rows))]
    public void Change_OfAnImmutableValue_IsRefusedOrKeptAsThePageSays(string value, string change, string says)
    {
        Assert.NotEmpty(value);
        if (says.Contains("refused", StringComparison.Ordinal))
        {
            Assert.Throws<RegistryDefaultsException>(() => new RegistryDefaults().Replace(change));
            return;
        }

        Assert.StartsWith("kept", says, StringComparison.Ordinal);
        Assert.True(new RegistryDefaults().Replace(change));
        var installed = Parse(Installed);
        var kept = InstalledVolumes.Keep(HelmValues.Merge(installed, Parse(change)), installed);

        Assert.True(kept.IsOther);
        Assert.Equal(Claims(installed), Claims(kept.Values));
    }

    /// <summary>What claims are made of, and nothing else.</summary>
    private static string Claims(JsonObject values) => string.Join(
        ' ', ((string[])["type", "size", "storageClassName", "accessModes", "annotations"])
            .Select(field => values["storage"]![field]!.ToJsonString())
            .Append(values["pullThrough"]!["storage"]!["type"]!.ToJsonString())
            .Append(values["pullThrough"]!["storage"]!["storageClassName"]!.ToJsonString())
            .Append(values["pullThrough"]!["upstreams"]![0]!["size"]!.ToJsonString()));

    private static IEnumerable<string> Page() =>
        File.ReadLines(Path.Combine(RepositoryRoot.Find(), "docs", "registry.md"))
            .Where(line => line.StartsWith('|') && line.Contains("**immutable", StringComparison.Ordinal));

    private static JsonObject Parse(string json) => JsonNode.Parse(json)!.AsObject();
}
