using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Objects;

/// <summary>The keys of kubernetes.io/tls Secrets, and of kubeconfig Secrets by the contract of Cluster API.</summary>
internal static class SecretKeys
{
    public const string TlsType = "kubernetes.io/tls";
    public const string OpaqueType = "Opaque";
    public const string Certificate = "tls.crt";
    public const string PrivateKey = "tls.key";
    public const string Authority = "ca.crt";
    public const string Kubeconfig = "value";

    /// <summary>The bytes under a key; empty when the key is missing.</summary>
    public static ReadOnlyMemory<byte> Value(this Secret secret, string key) =>
        secret.Data is { } data && data.TryGetValue(key, out var bytes) ? bytes : ReadOnlyMemory<byte>.Empty;

    public static Dictionary<string, byte[]> Tls(CertificateKeyPair pair, string authorityPem) => new()
    {
        [Certificate] = Encoding.ASCII.GetBytes(pair.CertificatePem),
        [PrivateKey] = pair.PrivateKeyPem.ToArray(),
        [Authority] = Encoding.ASCII.GetBytes(authorityPem),
    };
}
