using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

[assembly: AssemblyFixture(typeof(CapiRegistryHook.EndToEnd.Tests.RealStage))]
[assembly: AssemblyFixture(typeof(CapiRegistryHook.EndToEnd.Tests.EmbeddedStage))]

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>Two API servers for all tests of one kind, started when the first test needs them.</summary>
public abstract class StageFixture : IAsyncDisposable
{
    private readonly SemaphoreSlim _one = new(1);
    private Stage? _stage;

    /// <summary>The stage, cleared of what earlier tests left.</summary>
    public async Task<Stage> EmptyAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            _stage ??= await Stage.SetAsync(name => StartServerAsync(name, cancellationToken), cancellationToken);
            await _stage.ClearAsync(cancellationToken);
            return _stage;
        }
        finally
        {
            _one.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_stage is not null)
            await _stage.DisposeAsync();
        _one.Dispose();
        GC.SuppressFinalize(this);
    }

    protected abstract Task<IApiServer> StartServerAsync(string name, CancellationToken cancellationToken);
}

/// <summary>Real kube-apiservers with an etcd each.</summary>
public sealed class RealStage : StageFixture
{
    protected override async Task<IApiServer> StartServerAsync(string name, CancellationToken cancellationToken)
    {
        var binaries = await KubernetesBinaries.EnsureAsync(Console.Error, cancellationToken);
        return await RealApiServer.StartAsync(name, binaries, cancellationToken);
    }
}

/// <summary>API servers in this process.</summary>
public sealed class EmbeddedStage : StageFixture
{
    protected override async Task<IApiServer> StartServerAsync(string name, CancellationToken cancellationToken) =>
        await EmbeddedApiServer.StartAsync(name, cancellationToken);
}
