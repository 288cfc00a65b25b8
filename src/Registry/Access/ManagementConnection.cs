using CapiRegistryHook.Kubernetes.Connection;

namespace CapiRegistryHook.Registry.Access;

/// <summary>Where the management cluster is.</summary>
/// <param name="KubeconfigFile">A kubeconfig file; null means the service account of the pod.</param>
/// <param name="Context">A context of that file; null means the current one.</param>
public sealed record ManagementConnection(string? KubeconfigFile, string? Context)
{
    /// <summary>The namespace of the pod this process runs in; null outside of a pod.</summary>
    public static string? PodNamespace => InCluster.Namespace();

    internal ClusterConnection Load(TimeProvider time)
    {
        try
        {
            return KubeconfigFile is null ? InCluster.Load(time) : Kubeconfig.Load(KubeconfigFile, Context, time);
        }
        catch (KubeconfigException exception)
        {
            throw new ManagementConnectionException(exception.Message, exception);
        }
    }
}

/// <summary>The management cluster can't be connected to. The message names the file or field and the remedy.</summary>
public sealed class ManagementConnectionException(string message, Exception cause) : Exception(message, cause);
