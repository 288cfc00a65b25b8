namespace CapiRegistryHook.Harness;

/// <summary>
/// The real Kubernetes and etcd, built once per machine by <c>tests/harness/kubernetes.sh</c> and kept in a cache folder.
/// </summary>
public static class KubernetesBinaries
{
    private static volatile string? _folder;

    /// <summary>
    /// The folder that holds <c>etcd</c>, <c>kube-apiserver</c> and the programs of a node. The first call on a machine builds them,
    /// which takes minutes; what the script says on the way goes to <paramref name="progress"/>. Cancelling ends the build and
    /// removes what it left.
    /// </summary>
    public static async Task<string> EnsureAsync(TextWriter progress, CancellationToken cancellationToken)
    {
        // A second caller in this process may still start the script: it takes a lock itself and finds the first one's result.
        _folder ??= await HarnessScript.RunAsync("kubernetes.sh", [], progress, cancellationToken);
        return _folder;
    }
}
