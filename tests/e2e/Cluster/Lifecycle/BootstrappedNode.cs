using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;

/// <summary>
/// A node that is made the way the bootstrap provider makes one: with the files of its KubeadmConfigTemplate, and nothing else.
/// </summary>
internal sealed class BootstrappedNode(ClusterNode node) : IAsyncDisposable
{
    /// <summary>The one that new ClusterClasses name.</summary>
    private const string Handler = "generatepatches-v3";

    private readonly List<string> _written = [];

    /// <summary>Asks GeneratePatches for the cluster, as Cluster API does, and returns the files that its workers get.</summary>
    public static async Task<JsonArray> FilesAsync(ClusterApi capi, TestCluster cluster, CancellationToken cancellationToken)
    {
        var recorded = RecordedHookRequest.Load(ClusterLifecycle.Version, "GeneratePatches").ToHandler(Handler);
        var request = recorded.Body;
        var variables = request["variables"]!.AsArray();
        variables.Single(variable => (string?)variable!["name"] == "clusterConfig")!["value"] = cluster.ClusterConfig.DeepClone();
        var builtin = variables.Single(variable => (string?)variable!["name"] == "builtin")!["value"]!["cluster"]!;
        (builtin["name"], builtin["namespace"]) = (cluster.Name, cluster.Namespace);
        builtin["network"]!["services"] = new JsonArray([.. cluster.ServiceCidrBlocks!.Select(block => JsonValue.Create(block))]);

        var answer = await capi.PostAsync(recorded, cancellationToken);
        Assert.Equal("Success", answer.Status);
        var worker = request["items"]!.AsArray().Single(item => (string?)item!["object"]!["kind"] == "KubeadmConfigTemplate")!;
        var patch = answer.Json["items"]!.AsArray().Single(item => (string?)item!["uid"] == (string?)worker["uid"])!["patch"]!;
        var patched = JsonPatch.Apply((JsonObject)worker["object"]!, JsonNode.Parse(Convert.FromBase64String((string)patch!)));
        return (JsonArray)patched["spec"]!["template"]!["spec"]!["files"]!;
    }

    /// <summary>Writes the files; what comes from a Secret is looked up where the bootstrap provider looks.</summary>
    public async Task FurnishAsync(JsonArray files, Func<string, string, Task<string>> secretText, CancellationToken cancellationToken)
    {
        foreach (var file in files)
        {
            var path = (string)file!["path"]!;
            var secret = file["contentFrom"]?["secret"];
            var content = secret is null ? (string)file["content"]! : await secretText((string)secret["name"]!, (string)secret["key"]!);
            _written.Add(path);
            await node.WriteFileAsync(path, content, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var path in _written)
            await node.RemoveAsync(path, CancellationToken.None);
    }
}
