using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>Finds a version in which the management cluster serves Clusters: v1beta2 from Cluster API 1.11 on, v1beta1 before.</summary>
internal sealed class ClusterVersions(KubernetesClient management)
{
    private static readonly string[] Known = [RegistryResources.NewestClusterVersion, RegistryResources.OldestClusterVersion];

    private volatile string _served = RegistryResources.NewestClusterVersion;

    /// <summary>The version that was found last.</summary>
    public string Served => _served;

    /// <summary>Asks for a list of one in each version, newest first. It needs no right that the watch does not need.</summary>
    /// <param name="namespace">The namespace; null means all.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>The resource, or why there is none.</returns>
    public async Task<(ResourceType<ObjectHeader>? Type, string? Problem)> FindAsync(
        string? @namespace, CancellationToken cancellationToken)
    {
        string? problem = null;
        foreach (var version in Known)
        {
            var type = RegistryResources.ClusterHeaders(version);
            try
            {
                await using var first =
                    management.ListAsync(type, new ListOptions { Namespace = @namespace, PageSize = 1 }, cancellationToken)
                    .GetAsyncEnumerator(cancellationToken);
                await first.MoveNextAsync();
                _served = version;
                return (type, null);
            }
            catch (KubernetesApiException exception)
            {
                problem ??= exception.Message;
                if (exception.Fault != KubernetesFault.NotFound)
                    break;
            }
        }

        return (null, problem);
    }
}
