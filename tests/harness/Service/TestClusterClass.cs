using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Service;

/// <summary>A ClusterClass whose variables Cluster API has discovered.</summary>
public static class TestClusterClass
{
    /// <summary>Creates it in the namespace default.</summary>
    /// <param name="objects">The management cluster.</param>
    /// <param name="version">The version of cluster.x-k8s.io.</param>
    /// <param name="name">Its name.</param>
    /// <param name="variable">A variable as DiscoverVariables answers it.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public static async Task CreateAsync(
        AdminClient objects, string version, string name, JsonObject variable, CancellationToken cancellationToken)
    {
        var collection = Collection(version);
        await objects.CreateAsync(collection, new JsonObject
        {
            ["apiVersion"] = $"cluster.x-k8s.io/{version}",
            ["kind"] = "ClusterClass",
            ["metadata"] = new JsonObject { ["name"] = name },
            ["spec"] = new JsonObject(),
        }, cancellationToken);
        await objects.MergePatchAsync(collection, $"{name}/status", new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["observedGeneration"] = 1,
                ["variables"] = new JsonArray(new JsonObject
                {
                    ["name"] = variable["name"]!.DeepClone(),
                    ["definitions"] = new JsonArray(new JsonObject
                    {
                        ["from"] = "registry",
                        ["required"] = variable["required"]!.DeepClone(),
                        ["schema"] = variable["schema"]!.DeepClone(),
                    }),
                }),
            },
        }, cancellationToken);
    }

    /// <summary>The path of ClusterClasses in the namespace default.</summary>
    public static string Collection(string version) => $"/apis/cluster.x-k8s.io/{version}/namespaces/default/clusterclasses";
}
