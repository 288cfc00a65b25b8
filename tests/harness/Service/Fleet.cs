using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Service;

/// <summary>
/// Many Clusters whose registries need nothing. One is installed by the service itself; the others are copies of what it wrote, each
/// with its own name and owner. They have no kubeconfig, so that a call of a workload cluster could not go unnoticed.
/// </summary>
public static class Fleet
{
    private const int Writers = 16;
    private const string Pattern = "pattern";
    /// <summary>
    /// Creates Clusters <c>f0</c>, <c>f1</c>, … and what belongs to them, beside the first one that is called <c>pattern</c>.
    /// </summary>
    /// <param name="environment">Where.</param>
    /// <param name="count">How many, the first included.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public static async Task CreateAsync(TestEnvironment environment, int count, CancellationToken cancellationToken)
    {
        var (trust, release, uid) = await InstallPatternAsync(environment, cancellationToken);
        var options = new ParallelOptions { MaxDegreeOfParallelism = Writers, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(Enumerable.Range(0, count - 1), options, async (index, token) =>
        {
            var cluster = TestEnvironment.NewCluster($"f{index}");
            cluster["metadata"]!["labels"] = new JsonObject { ["cluster.x-k8s.io/cluster-name"] = $"f{index}" };
            var created = await environment.ManagementObjects.CreateAsync(AdminClient.Clusters("default"), cluster, token);
            var own = (string)created["metadata"]!["uid"]!;
            await environment.ManagementObjects.CreateAsync(AdminClient.Secrets("default"), Copy(trust, $"f{index}", uid, own), token);
            await environment.ManagementObjects.CreateAsync(
                AdminClient.ChartProxies("default"), Copy(release, $"f{index}", uid, own), token);
        });
    }

    private static async Task<(JsonObject Trust, JsonObject Release, string Uid)> InstallPatternAsync(
        TestEnvironment environment, CancellationToken cancellationToken)
    {
        var cluster = await environment.CreateClusterAsync(Pattern, cancellationToken);
        await environment.GiveKubeconfigAsync(cluster, cancellationToken);
        await using (await HookService.StartAsync(
            environment.Management.Kubeconfig, ["--reconciler", "On", "--lease-duration", "3s"], cancellationToken))
        {
            await Polling.UntilAsync(
                "a HelmChartProxy to copy",
                async () => await environment.ManagementObjects.FindAsync(
                    AdminClient.ChartProxies("default"), $"{Pattern}-registry", cancellationToken) is not null,
                () => "", cancellationToken);
        }

        var release =
            await environment.ManagementObjects.GetAsync(AdminClient.ChartProxies("default"), $"{Pattern}-registry", cancellationToken);
        var annotations = release["metadata"]!["annotations"]!;
        annotations["capi-registry-hook.io/certificate-served"] = annotations["capi-registry-hook.io/certificate-serial"]!.DeepClone();
        annotations["capi-registry-hook.io/release-served"] = annotations["capi-registry-hook.io/release-revision"]!.DeepClone();
        await environment.ManagementObjects.MergePatchAsync(AdminClient.ChartProxies("default"), $"{Pattern}-registry",
            new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = annotations.DeepClone() } }, cancellationToken);
        return (await environment.ManagementObjects.GetAsync(
            AdminClient.Secrets("default"), $"{Pattern}-registry-addon-ca", cancellationToken),
            release, cluster.Uid);
    }

    private static JsonObject Copy(JsonObject original, string cluster, string uid, string own)
    {
        var copy = JsonNode.Parse(original.ToJsonString()
            .Replace(uid, own, StringComparison.Ordinal)
            .Replace($"\"{Pattern}", $"\"{cluster}", StringComparison.Ordinal))!.AsObject();
        foreach (var field in new[] { "uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "selfLink" })
            copy["metadata"]!.AsObject().Remove(field);
        copy.Remove("status");
        return copy;
    }
}
