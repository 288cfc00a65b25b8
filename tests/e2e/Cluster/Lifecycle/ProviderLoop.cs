namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;

/// <summary>The add-on provider's own loop: whenever the HelmChartProxy is another, it is installed.</summary>
internal sealed class ProviderLoop : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Func<CancellationToken, Task<string>> _readVersion;
    private readonly Func<CancellationToken, Task> _install;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _running;

    private ProviderLoop(Func<CancellationToken, Task<string>> readVersion, Func<CancellationToken, Task> install)
    {
        _readVersion = readVersion;
        _install = install;
        _running = RunAsync();
    }

    /// <param name="readVersion">What the HelmChartProxy asks for.</param>
    /// <param name="install">Installs it, or finds it installed.</param>
    public static ProviderLoop Start(Func<CancellationToken, Task<string>> readVersion, Func<CancellationToken, Task> install) =>
        new(readVersion, install);

    /// <summary>Ends it; a failure of it is one of the test.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        try
        {
            await _running;
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            // As asked.
        }

        _end.Dispose();
    }

    private async Task RunAsync()
    {
        string? installed = null;
        while (true)
        {
            var wanted = await _readVersion(_end.Token);
            if (wanted != installed)
                await _install(_end.Token);
            installed = wanted;
            await Task.Delay(Pause, TimeProvider.System, _end.Token);
        }
    }
}
