using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Clusters;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Access;

/// <summary>The way to a Cluster's workload cluster: its kubeconfig Secret, a client, and outcomes instead of exceptions.</summary>
internal sealed class WorkloadAccess(SecretKubeconfigClients clients)
{
    /// <summary>Runs a step against the workload cluster of a Cluster.</summary>
    /// <param name="cluster">The Cluster.</param>
    /// <param name="act">The step.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<StepResult<T>> RunAsync<T>(
        Cluster cluster, Func<KubernetesClient, Task<StepResult<T>>> act, CancellationToken cancellationToken)
    {
        var secret = RegistryPlan.KubeconfigSecretOf(cluster.Name);
        ClientLease lease;
        try
        {
            lease = await clients.RentAsync(secret, SecretKeys.Kubeconfig, cancellationToken);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            return FaultSentences.NoKubeconfig(secret);
        }
        catch (KubeconfigException exception)
        {
            return FaultSentences.OfKubeconfig(secret, exception);
        }

        using (lease)
        {
            try
            {
                return await act(lease.Client);
            }
            catch (KubernetesApiException exception)
            {
                return FaultSentences.OfWorkload(exception);
            }
        }
    }
}
