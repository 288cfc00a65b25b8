using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Registry.Enabling;

/// <summary>
/// Reads ClusterClasses for the admission webhook. Each is read at most once in ten seconds, however many Clusters are created, and an
/// answer is there within two seconds.
/// </summary>
internal sealed class ClusterClassLookup(KubernetesClient management, VariableLocation location, TimeProvider time)
{
    /// <summary>The API server waits five seconds for the webhook.</summary>
    public static readonly TimeSpan LongestRead = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(10);

    /// <summary>What could not be known is asked again sooner, but not by every Cluster of a burst.</summary>
    private static readonly TimeSpan KeptUnknown = TimeSpan.FromSeconds(1);

    /// <summary>Far more ClusterClasses than a management cluster has; callers may make names up.</summary>
    private const int MostKept = 1000;

    private readonly Lock _gate = new();
    private readonly Dictionary<(string ApiVersion, NamespacedName Name), Entry> _entries = [];

    /// <summary>Whether Clusters of the ClusterClass can request a registry.</summary>
    public async Task<ClassSupport> FindAsync(Cluster cluster, NamespacedName name, CancellationToken cancellationToken)
    {
        var type = RegistryResources.ClusterClasses(cluster);
        Task<ClassSupport> read;
        lock (_gate)
        {
            if (!_entries.TryGetValue((type.ApiVersion, name), out var entry) || IsOver(entry))
            {
                if (_entries.Count >= MostKept)
                    _entries.Clear();
                entry = new Entry(ReadAsync(type, name), time.GetTimestamp());
                _entries[(type.ApiVersion, name)] = entry;
            }

            read = entry.Read;
        }

        return await read.WaitAsync(cancellationToken);
    }

    private bool IsOver(Entry entry)
    {
        var kept = entry.Read is { IsCompletedSuccessfully: true, Result: ClassSupport.Unknown } ? KeptUnknown : Kept;
        return entry.Read.IsFaulted || time.GetElapsedTime(entry.Started) >= kept;
    }

    /// <summary>Not ended by the caller, since others may wait for the same read.</summary>
    private async Task<ClassSupport> ReadAsync(ResourceType<ClusterClass> type, NamespacedName name)
    {
        using var limit = new CancellationTokenSource(LongestRead, time);
        try
        {
            return ClassVariables.Evaluate(await management.GetAsync(type, name, limit.Token), location);
        }
        catch (Exception exception) when (exception is KubernetesApiException or OperationCanceledException)
        {
            return ClassSupport.Unknown;
        }
    }

    private sealed record Entry(Task<ClassSupport> Read, long Started);
}
