using CapiRegistryHook.Content.References;
using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Delivery.Syncing;

/// <summary>What is known of one RegistryContent. Not thread-safe. Disposed, it ends what is under way and gives its source away.</summary>
internal sealed class ContentState(RegistryContent content) : IDisposable
{
    /// <summary>The object as it was last seen.</summary>
    public RegistryContent Content { get; set; } = content;

    private CancellationTokenSource _withdrawal = new();

    /// <summary>Ends what is under way for it, when it is suspended, deleted or can't be used any more.</summary>
    public CancellationToken Withdrawn => _withdrawal.Token;

    /// <summary>Why it can't be used at all, in sentences; empty when it can.</summary>
    public string Problems { get; set; } = "";

    /// <summary>Whether it can be used at all.</summary>
    public bool IsValid => Problems.Length == 0;

    /// <summary>What it is; null until its source has answered. It stays when the source fails later.</summary>
    public ResolvedContent? Resolved { get; set; }

    /// <summary>The generation that <see cref="Resolved"/> or <see cref="SourceProblem"/> is of; 0 for none.</summary>
    public long ResolvedGeneration { get; set; }

    /// <summary>Why the source or the lock can't be used; null when they can.</summary>
    public string? SourceProblem { get; set; }

    /// <summary>How often in a row the source could not be used.</summary>
    public int SourceFailures { get; set; }

    /// <summary>When the source is asked next.</summary>
    public DateTimeOffset ResolveAt { get; set; }

    /// <summary>Since when the source is asked; null while it is not.</summary>
    public DateTimeOffset? ResolvingSince { get; set; }

    /// <summary>When content was last written to a registry.</summary>
    public DateTimeOffset? LastSync { get; set; } = content.Status?.LastSyncTime;

    /// <summary>What the last try found, by Cluster.</summary>
    public Dictionary<ClusterKey, ClusterResult> Results { get; } = [];

    /// <summary>The status that was written last, or found at the begin.</summary>
    public RegistryContentStatus? Written { get; set; } = content.Status;

    /// <summary>When the status was written last by this process; null for never.</summary>
    public DateTimeOffset? WrittenAt { get; set; }

    /// <summary>Whether something changed that the status may show.</summary>
    public bool IsDirty { get; set; } = true;

    /// <summary>Ends what is under way for it; what begins later goes on.</summary>
    public void Withdraw()
    {
        // Whoever is told may ask the model, which is locked now. Without a timer there is nothing to free.
        _ = _withdrawal.CancelAsync();
        _withdrawal = new CancellationTokenSource();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Withdraw();
        Resolved?.Dispose();
    }
}

/// <summary>What the last try on a Cluster found.</summary>
/// <param name="Digest">The content that it was about.</param>
/// <param name="IsComplete">Whether the registry holds all of it.</param>
/// <param name="Reason">Why the try failed; null when it did not, because it is complete or waits for its time.</param>
internal sealed record ClusterResult(Digest Digest, bool IsComplete, string? Reason)
{
    /// <summary>When every blob is looked for next.</summary>
    public DateTimeOffset VerifyAt { get; init; }

    /// <summary>Entries that the registry holds while it fetches them by itself; null while it does not.</summary>
    public int? Arrived { get; init; }

    /// <summary>Since when there have been as many.</summary>
    public DateTimeOffset ArrivedAt { get; init; }
}
