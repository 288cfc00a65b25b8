namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// On shutdown: first say "not ready", then wait until that has reached whoever sends requests, then let the listener
/// close. Hosted services are told in this order before the web server is stopped.
/// </summary>
internal sealed partial class Drain(Readiness readiness, ListenOptions options, TimeProvider time, ILogger<Drain> logger) : IHostedLifecycleService
{
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        readiness.Drain();
        LogDraining(options.DrainDelay);
        await Task.Delay(options.DrainDelay, time, cancellationToken);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Information, Message = "Draining for {Delay}, then the listener closes")]
    private partial void LogDraining(TimeSpan delay);
}
