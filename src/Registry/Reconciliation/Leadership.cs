namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>
/// Works while a Lease is held, and waits for it otherwise. A replica that can't renew the Lease stops after two thirds of its duration,
/// before another may start.
/// </summary>
/// <param name="lease">The Lease.</param>
/// <param name="duration">How long it is valid without a renewal.</param>
/// <param name="time">The clock.</param>
public sealed class Leadership(LeaderLease lease, TimeSpan duration, TimeProvider time)
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReleaseLimit = TimeSpan.FromSeconds(2);

    /// <summary>Told why the Lease can't be requested, once for each reason.</summary>
    public Action<string>? OnProblem { get; init; }

    /// <summary>Told that the Lease was lost, once all work has ended.</summary>
    public Action? OnLost { get; init; }

    /// <summary>Told of an unexpected fault of the work; it starts again after the Lease's duration.</summary>
    public Action<Exception>? OnBroken { get; init; }

    /// <summary>Works whenever the Lease is held, until it is cancelled; then the Lease is given back.</summary>
    /// <param name="work">The work. Its token ends it; it returns or throws only once nothing is under way.</param>
    /// <param name="stoppingToken">Ends all of it.</param>
    public async Task RunAsync(Func<CancellationToken, Task> work, CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await AcquireAsync(stoppingToken);
                await TryLeadAsync(work, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await ReleaseAsync();
        }
    }

    /// <summary>An unexpected fault must not end the process, which may do other things too.</summary>
    private async Task TryLeadAsync(Func<CancellationToken, Task> work, CancellationToken stoppingToken)
    {
        try
        {
            await LeadAsync(work, stoppingToken);
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
        {
            OnBroken?.Invoke(exception);
            await ReleaseAsync();
            await Task.Delay(duration, time, stoppingToken);
        }
    }

    private async Task AcquireAsync(CancellationToken cancellationToken)
    {
        string? reported = null;
        while (!await lease.TryHoldAsync(cancellationToken))
        {
            if (lease.Problem is { } problem && problem != reported)
                OnProblem?.Invoke(problem);
            reported = lease.Problem;
            await Task.Delay(RetryPause, time, cancellationToken);
        }
    }

    private async Task LeadAsync(Func<CancellationToken, Task> work, CancellationToken stoppingToken)
    {
        using var leading = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var running = Task.Run(() => work(leading.Token), CancellationToken.None);
        try
        {
            await RenewAsync(running, stoppingToken);
            OnLost?.Invoke();
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
            await Task.Delay(lease.Problem is null ? duration / 3 : RetryPause, time, stoppingToken);
            if (running.IsCompleted)
                await running;
            var left = (duration * 2 / 3) - time.GetElapsedTime(renewed);
            var asked = time.GetTimestamp();
            if (await TryRenewAsync(left, stoppingToken))
                renewed = asked;
            else if (lease.Problem is null || time.GetElapsedTime(renewed) >= duration * 2 / 3)
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
}
