using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Benchmarks;

/// <summary>
/// A request as a cluster with many worker classes brings it about: 20 templates, 100 KB, every second one made for nodes.
/// </summary>
internal static class PatchRequests
{
    private const int Templates = 20;
    private const int Bytes = 100 * 1024;

    /// <summary>The body, padded to its size with what real templates hold most of: files and labels.</summary>
    public static byte[] Create()
    {
        var request = RecordedHookRequest.Load("1.13.4", "GeneratePatches").Body;
        var variable = request["variables"]!.AsArray().Single(variable => (string?)variable!["name"] == "clusterConfig")!;
        variable["value"] = JsonNode.Parse("""{ "cni": { "provider": "Cilium" }, "addons": { "registry": { "replicas": 2 } } }""");
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
