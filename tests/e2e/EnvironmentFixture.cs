using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>Two API servers for all tests of one kind, started when the first test needs them.</summary>
public abstract class EnvironmentFixture : IAsyncDisposable
{
    private readonly SemaphoreSlim _one = new(1);
    private TestEnvironment? _environment;

    /// <summary>The environment, cleared of what earlier tests left.</summary>
    public async Task<TestEnvironment> EmptyAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            _environment ??= await TestEnvironment.StartAsync(name => StartServerAsync(name, cancellationToken), cancellationToken);
            await _environment.ClearAsync(cancellationToken);
            return _environment;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>A second, new management cluster beside the first one, with the same workload cluster. The caller disposes it.</summary>
    public async Task<TestEnvironment> StartBesideAsync(TestEnvironment environment, CancellationToken cancellationToken) =>
        await environment.BesideAsync(await StartServerAsync("target", cancellationToken), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_environment is not null)
            await _environment.DisposeAsync();
        _one.Dispose();
        GC.SuppressFinalize(this);
    }

    protected abstract Task<IApiServer> StartServerAsync(string name, CancellationToken cancellationToken);
}

/// <summary>Real kube-apiservers with an etcd each.</summary>
public sealed class RealEnvironment : EnvironmentFixture
{
    protected override async Task<IApiServer> StartServerAsync(string name, CancellationToken cancellationToken)
    {
        var binaries = await KubernetesBinaries.EnsureAsync(Console.Error, cancellationToken);
        var server = await RealApiServer.StartAsync(name, binaries, cancellationToken);
        using var http = AdminHttp.Create(server);
        await CustomResources.InstallContentsAsync(http, cancellationToken);
        return server;
    }
}

/// <summary>API servers in this process.</summary>
public sealed class EmbeddedEnvironment : EnvironmentFixture
{
    protected override async Task<IApiServer> StartServerAsync(string name, CancellationToken cancellationToken) =>
        await EmbeddedApiServer.StartAsync(name, cancellationToken);
}

/// <summary>Tests on real API servers, one after the other; some have embedded ones beside them.</summary>
[CollectionDefinition(Name)]
public sealed class OnApiServers : ICollectionFixture<RealEnvironment>, ICollectionFixture<EmbeddedEnvironment>
{
    public const string Name = "on API servers";
}

/// <summary>Tests on API servers in this process alone, beside those on real ones.</summary>
[CollectionDefinition(Name)]
public sealed class OnEmbeddedServers : ICollectionFixture<EmbeddedEnvironment>
{
    public const string Name = "on embedded API servers";
}
