namespace CapiRegistryHook.Kubernetes;

/// <summary>The connection of a pod to its own API server, from the service account that is mounted into it.</summary>
public static class InCluster
{
    /// <summary>Where the service account is mounted.</summary>
    public const string DefaultRoot = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>Reads address, CA and token of the pod; the token is read again when it is older than 60 s, since the kubelet renews it.</summary>
    /// <param name="time">The clock of the token's age.</param>
    /// <param name="root">The mounted folder; null is <see cref="DefaultRoot"/>.</param>
    /// <returns>The connection; to be freed, by a client made from it or by the caller.</returns>
    /// <exception cref="KubeconfigException">This is no pod, or it has no service account.</exception>
    public static ClusterConnection Load(TimeProvider time, string? root = null) => throw new NotImplementedException();

    /// <summary>The pod's own namespace.</summary>
    /// <param name="root">The mounted folder; null is <see cref="DefaultRoot"/>.</param>
    /// <returns>The namespace, or null outside a pod.</returns>
    public static string? Namespace(string? root = null) => throw new NotImplementedException();
}
