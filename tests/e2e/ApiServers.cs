using CapiRegistryHook.EndToEnd.Tests;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;

[assembly: AssemblyFixture(typeof(ApiServers))]

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// API servers that tests share, started when the first one asks: a real one takes seconds. Tests keep to namespaces of their own.
/// </summary>
public sealed class ApiServers : IAsyncDisposable
{
    private readonly Lazy<Task<IApiServer>> _embedded = new(
        async () => await EmbeddedApiServer.StartAsync("embedded", CancellationToken.None));
    private readonly Lazy<Task<IApiServer>> _real = new(async () =>
        await RealApiServer.StartAsync(
            "real", await KubernetesBinaries.EnsureAsync(Console.Error, CancellationToken.None), CancellationToken.None));

    public Task<IApiServer> EmbeddedAsync() => _embedded.Value;

    public Task<IApiServer> RealAsync() => _real.Value;

    public async ValueTask DisposeAsync()
    {
        foreach (var server in (Lazy<Task<IApiServer>>[])[_embedded, _real])
        {
            if (server.IsValueCreated && server.Value.IsCompletedSuccessfully)
                await (await server.Value).DisposeAsync();
        }
    }
}
