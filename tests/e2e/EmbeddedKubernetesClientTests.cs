using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>The contract on the in-memory API server.</summary>
public sealed class EmbeddedKubernetesClientTests(ApiServers servers) : KubernetesClientContract
{
    protected override Task<IApiServer> StartAsync() => servers.EmbeddedAsync();
}
