using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Benchmarks;

/// <summary>Requests for patches that ask for a registry, as Cluster API sends them.</summary>
internal static class PatchRequests
{
    private const int Templates = 20;
    private const int Bytes = 100 * 1024;

    /// <summary>The recorded request: 5 templates, 8 KB.</summary>
    public static byte[] CreateSmall() => Encoding.UTF8.GetBytes(Recorded().ToJsonString());

    /// <summary>
    /// A request as a cluster with many worker classes brings it about: 20 templates, every second one made for nodes, and padded to
    /// 100 KB with what real templates hold most of, files and annotations.
    /// </summary>
    public static byte[] CreateLarge()
    {
        var request = Recorded();
        var items = request["items"]!.AsArray();
        var pair = items.TakeLast(2).Select(item => item!.DeepClone()).ToList();
        while (items.Count < Templates)
        {
            var item = pair[items.Count % 2].DeepClone();
            item["uid"] = $"00000000-0000-4000-8000-{items.Count:D12}";
            items.Add(item);
        }

        var missing = Bytes - Size(request);
        foreach (var item in items)
            Pad(item!["object"]!, missing / Templates);
        return Encoding.UTF8.GetBytes(request.ToJsonString());
    }

    private static JsonObject Recorded()
    {
        var request = RecordedHookRequest.Load("1.13.4", "GeneratePatches").Body;
        var variable = request["variables"]!.AsArray().Single(variable => (string?)variable!["name"] == "clusterConfig")!;
        variable["value"] = JsonNode.Parse("""{ "cni": { "provider": "Cilium" }, "addons": { "registry": { "replicas": 2 } } }""");
        return request;
    }

    private static int Size(JsonNode node) => Encoding.UTF8.GetByteCount(node.ToJsonString());

    private static void Pad(JsonNode template, int bytes)
    {
        var spec = template["spec"]!["template"]!["spec"]!.AsObject();
        if ((string?)template["kind"] == "KubeadmConfigTemplate")
            spec["files"] = new JsonArray(new JsonObject { ["path"] = "/etc/kubernetes/audit.yaml", ["content"] = Text(bytes - 80) });
        else
            template["metadata"]!["annotations"] = new JsonObject(Enumerable.Range(0, bytes / 60).Select(index =>
                KeyValuePair.Create<string, JsonNode?>($"example.com/annotation-number-{index}", "a value as long as most")));
    }

    private static string Text(int bytes) => string.Concat(Enumerable.Repeat("- level: Metadata\n  users: [system]\n", bytes / 38));
}
