using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Serving;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>Something that is read again when it changes, because a restart would interrupt the calls of Cluster API.</summary>
internal interface IReloadable
{
    /// <summary>What stays in use when the new content can't be used, as the subject of a sentence.</summary>
    string Name { get; }

    /// <summary>Reads it again.</summary>
    /// <returns>What was reloaded, for the log; null when nothing has changed.</returns>
    /// <exception cref="ServingCertificateException">The new content can't be used.</exception>
    /// <exception cref="ClientAuthorityException">The new content can't be used.</exception>
    /// <exception cref="RegistryDefaultsException">The new content can't be used.</exception>
    Task<string?> ReloadAsync(CancellationToken cancellationToken);
}

/// <summary>Reads each of them every ten seconds. What can't be used is logged once, and the former content stays.</summary>
internal sealed partial class Reloader(IEnumerable<IReloadable> all, TimeProvider time, ILogger<Reloader> logger) : BackgroundService
{
    /// <summary>The kubelet takes up to a minute to bring a new Secret or ConfigMap into a pod; ten seconds more do not matter.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>Side by side: one that waits for an API server must not delay the others.</summary>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(all.Select(reloadable => RunAsync(reloadable, stoppingToken)));

    private async Task RunAsync(IReloadable reloadable, CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        string? complaint = null;
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                complaint = await ReloadAsync(reloadable, complaint, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops; also when it could not start, and then it would log this as a fault of its own.
        }
    }

    /// <summary>Returns why the content can't be used; null when it can.</summary>
    private async Task<string?> ReloadAsync(IReloadable reloadable, string? complaint, CancellationToken cancellationToken)
    {
        try
        {
            if (await reloadable.ReloadAsync(cancellationToken) is { } news)
                LogReloaded(news);
            return null;
        }
        catch (Exception exception)
            when (exception is ServingCertificateException or ClientAuthorityException or RegistryDefaultsException)
        {
            if (complaint != exception.Message)
                LogKept(reloadable.Name, exception.Message);
            return exception.Message;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{News}")]
    private partial void LogReloaded(string news);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Former} stays in use. {Reason}")]
    private partial void LogKept(string former, string reason);
}
