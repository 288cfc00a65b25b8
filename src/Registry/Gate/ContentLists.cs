using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Registry.Gate;

/// <summary>
/// The RegistryContents of a namespace, read at most once in five seconds for all Clusters whose upgrade is asked about. Where the kind
/// does not exist, it is looked for once in a minute. A content may hold a megabyte of references, so what the gate does not need of it is
/// not kept, and nothing is kept longer than it counts.
/// </summary>
/// <param name="management">Client of the management cluster.</param>
/// <param name="isUsable">Whether a content counts at all; asked while all of it is there.</param>
/// <param name="time">The clock.</param>
internal sealed class ContentLists(KubernetesClient management, Func<RegistryContent, bool> isUsable, TimeProvider time)
{
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan KeptMissing = TimeSpan.FromMinutes(1);

    /// <summary>A namespace with more has far more contents than versions of Kubernetes.</summary>
    private const int MostContents = 500;

    /// <summary>The largest of them fit into one answer.</summary>
    private const int PageSize = 20;

    private const int MostNamespaces = 1000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (IReadOnlyList<RegistryContent> Contents, long ReadAt, TimeSpan Kept)> _lists = [];

    /// <summary>How many namespaces are remembered.</summary>
    internal int Count
    {
        get
        {
            lock (_gate)
                return _lists.Count;
        }
    }

    /// <summary>The usable contents of a namespace, without their sources and locks; none where the kind does not exist.</summary>
    /// <exception cref="KubernetesApiException">They can't be read.</exception>
    public async Task<IReadOnlyList<RegistryContent>> ReadAsync(string @namespace, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ForgetOld();
            if (_lists.TryGetValue(@namespace, out var known))
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

    private void ForgetOld()
    {
        foreach (var (name, list) in _lists)
        {
            if (time.GetElapsedTime(list.ReadAt) >= list.Kept)
                _lists.Remove(name);
        }
    }

    private async Task<(IReadOnlyList<RegistryContent> Contents, TimeSpan Kept)> FetchAsync(
        string @namespace, CancellationToken cancellationToken)
    {
        var options = new ListOptions { Namespace = @namespace, PageSize = PageSize };
        List<RegistryContent> contents = [];
        try
        {
            await foreach (var content in management.ListAsync(ContentResources.Contents, options, cancellationToken).Take(MostContents))
            {
                if (isUsable(content))
                    contents.Add(Outline(content));
            }

            return (contents, Kept);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            return ([], KeptMissing);
        }
    }

    /// <summary>Which Clusters and upgrades a content is for, and what it was resolved to.</summary>
    private static RegistryContent Outline(RegistryContent content) => content with
    {
        Metadata = new ObjectMeta
        {
            Namespace = content.Metadata.Namespace, Name = content.Metadata.Name, Generation = content.Metadata.Generation,
            DeletionTimestamp = content.Metadata.DeletionTimestamp,
        },
        Spec = content.Spec! with { Source = null, Lock = null, Windows = null },
        Status = content.Status is { } status
            ? new RegistryContentStatus { ObservedGeneration = status.ObservedGeneration, Lock = status.Lock } : null,
    };
}
