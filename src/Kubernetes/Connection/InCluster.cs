using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>The connection of a pod to its own API server, from the service account that is mounted into it.</summary>
public static class InCluster
{
    /// <summary>Where the service account is mounted.</summary>
    public const string DefaultRoot = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>Reads address, CA and token of the pod; the token is read again when it is older than 60 s, since the kubelet renews
    /// it.</summary>
    /// <param name="time">The clock of the token's age.</param>
    /// <param name="root">The mounted folder; null is <see cref="DefaultRoot"/>.</param>
    /// <returns>The connection; to be freed, by a client made from it or by the caller.</returns>
    /// <exception cref="KubeconfigException">The process is not in a pod, or the pod has no service account.</exception>
    public static ClusterConnection Load(TimeProvider time, string? root = null) => Load(
        time, root ?? DefaultRoot, Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST"),
        Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_PORT"));

    /// <summary>The pod's own namespace.</summary>
    /// <param name="root">The mounted folder; null is <see cref="DefaultRoot"/>.</param>
    /// <returns>The namespace, or null outside a pod.</returns>
    public static string? Namespace(string? root = null)
    {
        var path = Path.Combine(root ?? DefaultRoot, "namespace");
        // Outside a pod the first exception of the process would cost more than reading the file.
        if (!File.Exists(path))
            return null;
        try
        {
            return File.ReadAllText(path).Trim() is { Length: > 0 } name ? name : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    internal static ClusterConnection Load(TimeProvider time, string root, string? host, string? port)
    {
        if (string.IsNullOrEmpty(host) || string.IsNullOrEmpty(port))
            throw new KubeconfigException(
                "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, so this is not a pod; provide a kubeconfig "
                + "with --kubeconfig or REGISTRY_HOOK_KUBECONFIG.");
        // An IPv6 address comes without brackets.
        var authority = host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{port}" : $"{host}:{port}";
        if (!Uri.TryCreate($"https://{authority}", UriKind.Absolute, out var server))
            throw new KubeconfigException("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT make no address.");
        var token = Path.Combine(root, "token");
        if (!File.Exists(token))
            throw new KubeconfigException($"{token} is missing; the pod needs a service account token (automountServiceAccountToken).");
        return new ClusterConnection
        {
            Server = server,
            CertificateAuthorities = Authorities(Path.Combine(root, "ca.crt")),
            Credentials = new FileToken(token, time),
            Namespace = Namespace(root),
        };
    }

    // Read once: when the cluster's CA is replaced, pods have to be restarted anyway (kubernetes.io, manual rotation of CA certificates).
    private static X509Certificate2Collection Authorities(string path)
    {
        X509Certificate2Collection certificates = [];
        try
        {
            certificates.ImportFromPemFile(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new KubeconfigException($"{path} can't be read; the pod's service account brings it.", exception);
        }

        return certificates.Count > 0 ? certificates : throw new KubeconfigException($"{path} holds no certificate.");
    }
}
