namespace CapiRegistryHook.Harness.Cluster;

/// <summary>What a run leaves for whoever has to find out what happened: objects without Secrets, events and logs.</summary>
public static class ClusterArtifacts
{
    /// <summary>Where it is written.</summary>
    public static string Folder => Path.Combine(RepositoryRoot.Find(), "artifacts", "cluster");

    /// <summary>Writes down a namespace: its objects, its events, and its pods' logs.</summary>
    public static async Task SaveNamespaceAsync(Kubectl kubectl, string @namespace, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(Folder, @namespace);
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);

        Directory.CreateDirectory(folder);
        const string Kinds = "all,configmaps,endpoints,persistentvolumeclaims,serviceaccounts,roles,rolebindings,networkpolicies,ingresses";
        await SaveAsync("objects.yaml", "get", Kinds, "--output=yaml", "--ignore-not-found");
        await SaveAsync("pods.txt", "describe", "pods");
        await SaveAsync("events.txt", "get", "events", "--sort-by=.lastTimestamp");
        foreach (var pod in await PodsAsync(kubectl, @namespace, cancellationToken))
        {
            await SaveAsync($"{pod}.log", "logs", pod, "--all-containers", "--prefix", "--tail=1000");
            await SaveAsync($"{pod}.before.log", "logs", pod, "--all-containers", "--prefix", "--tail=1000", "--previous");
        }

        async Task SaveAsync(string file, params string[] command)
        {
            var result = await kubectl.RunAsync(cancellationToken, ["--namespace", @namespace, .. command]);
            if (result.Output.Length > 0)
                await File.WriteAllTextAsync(Path.Combine(folder, file), result.Output, cancellationToken);
        }
    }

    /// <summary>Writes down the cluster itself: the logs of its programs, its nodes and volumes.</summary>
    public static async Task SaveClusterAsync(IWorkloadCluster cluster, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(Folder, "cluster");
        Directory.CreateDirectory(folder);
        await cluster.SaveLogsAsync(folder, cancellationToken);
        var kubectl = new Kubectl(cluster.KubeconfigFile);
        var objects =
            await kubectl.RunAsync(cancellationToken, "get", "nodes,namespaces,persistentvolumes,storageclasses", "--output=yaml");
        await File.WriteAllTextAsync(Path.Combine(folder, "objects.yaml"), objects.Output, cancellationToken);
    }

    private static async Task<string[]> PodsAsync(Kubectl kubectl, string @namespace, CancellationToken cancellationToken)
    {
        var pods = await kubectl.RunAsync(cancellationToken, "--namespace", @namespace, "get", "pods", "--output=name");
        return [.. pods.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(name => name.Split('/')[^1])];
    }
}
