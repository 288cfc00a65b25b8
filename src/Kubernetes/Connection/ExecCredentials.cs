namespace CapiRegistryHook.Kubernetes;

/// <summary>Tokens of an exec plugin, kept until shortly before they expire or until a server refuses one. The plugin never runs twice at once.</summary>
internal sealed class ExecCredentials(ExecPlugin plugin, TimeProvider time) : ICredentialSource
{
    /// <summary>A token this close to its end may expire on its way.</summary>
    internal static readonly TimeSpan Margin = TimeSpan.FromSeconds(60);

    private readonly SemaphoreSlim oneAtATime = new(1, 1);
    private volatile Held? held;

    public async ValueTask<string> GetTokenAsync(CancellationToken cancellationToken)
    {
        if (Usable() is { } token)
            return token;
        await oneAtATime.WaitAsync(cancellationToken);
        try
        {
            if (Usable() is { } meanwhile)
                return meanwhile;
            ExecCredentialStatus status = await ExecRun.RunAsync(plugin, time, cancellationToken);
            held = new Held(BearerToken.Check(status.Token, plugin.ToString()), status.ExpirationTimestamp);
            return held.Token;
        }
        finally
        {
            oneAtATime.Release();
        }
    }

    public bool Refuse(string token)
    {
        Held? known = held;
        if (known?.Token == token)
            Interlocked.CompareExchange(ref held, null, known);
        return true;
    }

    // A call may still be waiting for the plugin, and a SemaphoreSlim without a wait handle holds nothing that needs freeing.
    public void Dispose()
    {
    }

    public override string ToString() => plugin.ToString();

    private string? Usable() => held is { } known && (known.Expires is null || time.GetUtcNow() < known.Expires - Margin) ? known.Token : null;

    private sealed record Held(string Token, DateTimeOffset? Expires)
    {
        public override string ToString() => nameof(Held);
    }
}
