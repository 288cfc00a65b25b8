using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Registry.Gate;

/// <summary>
/// The RegistryContents of a namespace, read at most once in five seconds for all Clusters whose upgrade is asked about. Where the kind
/// does not exist, it is looked for once in a minute.
/// </summary>
internal sealed class ContentLists(KubernetesClient management, TimeProvider time)
{
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan KeptMissing = TimeSpan.FromMinutes(1);

    /// <summary>One page; a namespace with more has far more contents than versions of Kubernetes.</summary>
    private const int MostContents = 500;

    private const int MostNamespaces = 1000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (IReadOnlyList<RegistryContent> Contents, long ReadAt, TimeSpan Kept)> _lists = [];

    /// <summary>The contents of a namespace; none where the kind does not exist.</summary>
    /// <exception cref="KubernetesApiException">They can't be read.</exception>
    public async Task<IReadOnlyList<RegistryContent>> ReadAsync(string @namespace, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_lists.TryGetValue(@namespace, out var known) && time.GetElapsedTime(known.ReadAt) < known.Kept)
                return known.Contents;
        }

        var readAt = time.GetTimestamp();
        var (contents, kept) = await FetchAsync(@namespace, cancellationToken);
        lock (_gate)
        {
            if (_lists.Count >= MostNamespaces)
                _lists.Clear();
            _lists[@namespace] = (contents, readAt, kept);
        }

        return contents;
    }

    private async Task<(IReadOnlyList<RegistryContent> Contents, TimeSpan Kept)> FetchAsync(
        string @namespace, CancellationToken cancellationToken)
    {
        try
        {
            var options = new ListOptions { Namespace = @namespace };
            return (await management.ListFirstAsync(ContentResources.Contents, options, MostContents, cancellationToken), Kept);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            return ([], KeptMissing);
        }
    }
}
