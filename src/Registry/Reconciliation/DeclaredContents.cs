using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>The RegistryContents that there are, as far as they say something of Clusters.</summary>
internal sealed class DeclaredContents(IReadOnlyList<RegistryContent> contents, ContentSelection selection)
{
    /// <summary>Reads them; none where the kind is not installed or can't be read, since they only add to the rest.</summary>
    public static async Task<DeclaredContents> ReadAsync(
        KubernetesClient management, RegistryOptions options, CancellationToken cancellationToken)
    {
        var contents = new List<RegistryContent>();
        try
        {
            await foreach (var content in management.ListAsync(ContentResources.Contents, new ListOptions(), cancellationToken))
                contents.Add(content);
        }
        catch (KubernetesApiException)
        {
            contents.Clear();
        }

        return new DeclaredContents(contents, new ContentSelection(options.ContentSharedNamespaces));
    }

    /// <summary>What is declared for a Cluster; null when nothing is.</summary>
    public ContentReport? Of(Cluster cluster)
    {
        var selected = contents.Where(content => selection.Selects(content, cluster.Key, cluster.Metadata.Labels)).ToList();
        var name = cluster.Key.ToString();
        return selected.Count == 0 ? null : new ContentReport(
            selected.Count, selected.Count(content => content.Status?.Failing?.Any(failing => failing?.Cluster == name) == true));
    }
}
