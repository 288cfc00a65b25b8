using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Hooks.Operations;

/// <summary>
/// Works while this replica holds a Lease, and waits for it otherwise. A replica that can't renew the Lease stops after two thirds of its
/// duration, before another may start.
/// </summary>
/// <param name="lease">The Lease.</param>
/// <param name="works">What the replica with the Lease does, in the log: "reconciles".</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Takes who leads.</param>
public abstract partial class LeaderService(LeaderLease lease, string works, TimeProvider time, ILogger logger) : BackgroundService
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReleaseLimit = TimeSpan.FromSeconds(2);

    /// <summary>The clock.</summary>
    protected TimeProvider Time => time;

    /// <summary>The work of the leader. It returns or throws only once nothing is under way.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    protected abstract Task LeadAsync(CancellationToken cancellationToken);

    /// <inheritdoc/>
    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await AcquireAsync(stoppingToken);
                LogLeading(works, lease.Identity);
                await TryHoldAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await ReleaseAsync();
        }
    }

    /// <summary>An unexpected fault must not end the process, which may do other things too.</summary>
    private async Task TryHoldAsync(CancellationToken stoppingToken)
    {
        try
        {
            await HoldAsync(stoppingToken);
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
        {
            LogBroken(works, exception);
            await ReleaseAsync();
            await Task.Delay(lease.Duration, time, stoppingToken);
        }
    }

    private async Task AcquireAsync(CancellationToken cancellationToken)
    {
        string? reported = null;
        while (!await lease.TryHoldAsync(cancellationToken))
        {
            if (lease.Problem is { } problem && problem != reported)
                LogNoLease(problem);
            reported = lease.Problem;
            await Task.Delay(RetryPause, time, cancellationToken);
        }
    }

    private async Task HoldAsync(CancellationToken stoppingToken)
    {
        using var leading = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var running = Task.Run(() => LeadAsync(leading.Token), CancellationToken.None);
        try
        {
            await RenewAsync(running, stoppingToken);
            LogLost(works);
        }
        finally
        {
            await leading.CancelAsync();
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Renews at a third of the duration. Returns when the Lease is another's, or was not renewed for two thirds of it.</summary>
    private async Task RenewAsync(Task running, CancellationToken stoppingToken)
    {
        var renewed = time.GetTimestamp();
        while (true)
        {
            await Task.Delay(lease.Problem is null ? lease.Duration / 3 : RetryPause, time, stoppingToken);
            if (running.IsCompleted)
                await running;
            var left = (lease.Duration * 2 / 3) - time.GetElapsedTime(renewed);
            var asked = time.GetTimestamp();
            if (await TryRenewAsync(left, stoppingToken))
                renewed = asked;
            else if (lease.Problem is null || time.GetElapsedTime(renewed) >= lease.Duration * 2 / 3)
                return;
        }
    }

    private async Task<bool> TryRenewAsync(TimeSpan left, CancellationToken stoppingToken)
    {
        using var limit = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stoppingToken);
        try
        {
            return await lease.TryHoldAsync(either.Token);
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task ReleaseAsync()
    {
        using var limit = new CancellationTokenSource(ReleaseLimit, time);
        try
        {
            await lease.ReleaseAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // The API server is too slow; the Lease expires by itself.
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "This replica {Works} now, as {Identity}")]
    private partial void LogLeading(string works, string identity);

    [LoggerMessage(Level = LogLevel.Error, Message = "The replica that {Works} met an unexpected fault; it starts again")]
    private partial void LogBroken(string works, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The Lease is lost; this replica no longer {Works}")]
    private partial void LogLost(string works);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The Lease can't be requested: {Problem}")]
    private partial void LogNoLease(string problem);
}
