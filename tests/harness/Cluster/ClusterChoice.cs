namespace CapiRegistryHook.Harness.Cluster;

/// <summary>Where the tests' cluster comes from.</summary>
public enum ClusterBackend
{
    /// <summary>kind, in Docker.</summary>
    Kind,

    /// <summary>A node in namespaces of this machine, made of Debian's packages.</summary>
    Local,

    /// <summary>A cluster that is there and stays there.</summary>
    Existing,
}

/// <summary>Decides which backend a run uses.</summary>
public static class ClusterChoice
{
    /// <summary>The variable that names the backend: auto, kind, local or existing.</summary>
    public const string Variable = "E2E_CLUSTER";

    /// <summary>What a run uses: kind when Docker answers and kind is installed, else the machine itself.</summary>
    /// <param name="setting">The variable's value; null and empty mean auto.</param>
    /// <param name="kindIsUsable">Asked for auto only: it takes a moment.</param>
    /// <exception cref="ArgumentException">The value is none of the four.</exception>
    public static async Task<ClusterBackend> DecideAsync(string? setting, Func<Task<bool>> kindIsUsable) => setting switch
    {
        null or "" or "auto" => await kindIsUsable() ? ClusterBackend.Kind : ClusterBackend.Local,
        "kind" => ClusterBackend.Kind,
        "local" => ClusterBackend.Local,
        "existing" => ClusterBackend.Existing,
        _ => throw new ArgumentException($"{Variable} is '{setting}': use auto, kind, local or existing."),
    };

    /// <summary>Starts the cluster that the environment asks for, or connects to it.</summary>
    public static async Task<IWorkloadCluster> StartAsync(TextWriter progress, CancellationToken cancellationToken)
    {
        var backend = await DecideAsync(Environment.GetEnvironmentVariable(Variable), () => KindCluster.IsUsableAsync(cancellationToken));
        await progress.WriteLineAsync($"cluster: {backend}");
        return backend switch
        {
            ClusterBackend.Kind => await KindCluster.StartAsync(progress, cancellationToken),
            ClusterBackend.Local => await LocalCluster.StartAsync(progress, cancellationToken),
            _ => await ExistingCluster.ConnectAsync(ExistingClusterSettings.FromEnvironment(), cancellationToken),
        };
    }
}
