namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>
/// Tokens of an exec plugin, kept until shortly before they expire or until a server refuses one. The plugin never runs twice at once, and
/// it has its own time: a call that gives up before leaves it running, so that a slow plugin serves the next attempt.
/// </summary>
internal sealed class ExecCredentials(ExecPlugin plugin, TimeProvider time) : ICredentialSource
{
    /// <summary>A token this close to its end may expire on its way.</summary>
    internal static readonly TimeSpan Margin = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _disposal = new();
    private volatile Held? _held;
    private Task<string>? _running;

    public async ValueTask<string> GetTokenAsync(CancellationToken cancellationToken)
    {
        Task<string> run;
        lock (_gate)
        {
            if (Usable() is { } token)
                return token;
            ObjectDisposedException.ThrowIf(_disposal.IsCancellationRequested, this);
            run = _running ??= Task.Run(RunAsync, CancellationToken.None);
        }

        return await run.WaitAsync(cancellationToken);
    }

    public bool Refuse(string token)
    {
        var known = _held;
        if (known?.Token == token)
            Interlocked.CompareExchange(ref _held, null, known);
        return true;
    }

    // Ends a plugin that runs. The source is not disposed, since a call may still be waiting with its token; without a timer it holds
    // nothing.
    public void Dispose() => _disposal.Cancel();

    public override string ToString() => plugin.ToString();

    private async Task<string> RunAsync()
    {
        try
        {
            var status = await ExecRun.RunAsync(plugin, time, _disposal.Token);
            Held fresh = new(BearerToken.Check(status.Token, plugin.ToString()), status.ExpirationTimestamp);
            _held = fresh;
            return fresh.Token;
        }
        finally
        {
            lock (_gate)
                _running = null;
        }
    }

    private string? Usable() =>
        _held is { } known && (known.Expires is null || time.GetUtcNow() < known.Expires - Margin) ? known.Token : null;

    private sealed record Held(string Token, DateTimeOffset? Expires)
    {
        public override string ToString() => nameof(Held);
    }
}
