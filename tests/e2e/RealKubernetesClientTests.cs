using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>The contract on a real kube-apiserver with etcd.</summary>
public sealed class RealKubernetesClientTests(ApiServers servers) : KubernetesClientContract
{
    protected override Task<IApiServer> StartAsync() => servers.RealAsync();
}
