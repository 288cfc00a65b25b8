using Microsoft.AspNetCore.Connections.Features;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// On shutdown: first say "not ready", then wait until that has reached whoever sends requests, then let the listener
/// close. Hosted services are told in this order before the web server is stopped. Whoever calls meanwhile is answered, and asked
/// to connect anew: an open connection would keep its caller here, and break under a call when the process ends.
/// </summary>
internal sealed partial class Drain(
    Readiness readiness, ListenOptions options, TimeProvider time, ILogger<Drain> logger) : IHostedLifecycleService
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

    /// <summary>Ends each connection after its answer while the process drains: in HTTP/1.1 by a header, in HTTP/2 by GOAWAY.</summary>
    public static void UseDrain(WebApplication app)
    {
        var readiness = app.Services.GetRequiredService<Readiness>();
        app.Use((http, next) =>
        {
            if (readiness.IsDraining)
                http.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
            return next(http);
        });
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Draining for {Delay}, then the listener closes")]
    private partial void LogDraining(TimeSpan delay);
}
