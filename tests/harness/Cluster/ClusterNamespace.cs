namespace CapiRegistryHook.Harness.Cluster;

/// <summary>
/// A namespace of one test's own on a shared cluster. At the end its objects (no Secrets), events and pod logs are written to
/// <c>artifacts/cluster/NAME</c>, and it is deleted with all that is in it.
/// </summary>
public sealed class ClusterNamespace : IAsyncDisposable
{
    private const int BoundSeconds = 60;

    private readonly Kubectl _kubectl;

    private ClusterNamespace(string name, Kubectl kubectl)
    {
        Name = name;
        _kubectl = kubectl;
    }

    /// <summary>The namespace's name.</summary>
    public string Name { get; }

    /// <summary>Creates the namespace; one of that name that is left from an earlier test is deleted first.</summary>
    public static async Task<ClusterNamespace> CreateAsync(IWorkloadCluster cluster, string name, CancellationToken cancellationToken)
    {
        var created = new ClusterNamespace(name, new Kubectl(cluster.KubeconfigFile));
        await created.DeleteAsync($"--timeout={BoundSeconds}s", cancellationToken);
        (await created._kubectl.RunAsync(cancellationToken, "create", "namespace", name)).OutputOfSuccess();
        // Pods are refused until the controllers have made it.
        await Polling.UntilAsync(
            $"the default service account of {name}", () => created.HasAccountAsync(cancellationToken), () => "", cancellationToken);
        return created;
    }

    /// <summary>
    /// Writes down what is there, then deletes the namespace. Its pods and fixed addresses are free at once, the rest follows.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await ClusterArtifacts.SaveNamespaceAsync(_kubectl, Name, CancellationToken.None);
        await DeleteAsync("--wait=false", CancellationToken.None);
    }

    private async Task<bool> HasAccountAsync(CancellationToken cancellationToken) =>
        (await _kubectl.RunAsync(cancellationToken, "--namespace", Name, "get", "serviceaccount", "default")).Succeeded;

    private async Task DeleteAsync(string wait, CancellationToken cancellationToken)
    {
        const string Makers = "statefulsets,deployments,daemonsets,jobs,services";
        await _kubectl.RunAsync(cancellationToken, "--namespace", Name, "delete", Makers, "--all", "--wait=false");
        // Pods get no time to say goodbye: nobody is listening any more.
        await _kubectl.RunAsync(
            cancellationToken, "--namespace", Name, "delete", "pods", "--all", "--force", "--grace-period=0", "--wait=false");
        (await _kubectl.RunAsync(cancellationToken, "delete", "namespace", Name, "--ignore-not-found", wait)).OutputOfSuccess();
    }
}
