using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Delivery.Pushing;

/// <summary>How content is pushed to many registries.</summary>
public sealed record PushOptions
{
    /// <summary>Registries that are pushed to at once, 1 or more; 4 by default.</summary>
    public int Parallel { get; init; } = 4;

    /// <summary>Blobs that are sent to one registry at once, 1 or more; 4 by default.</summary>
    public int Workers { get; init; } = 4;

    /// <summary>Nothing is sent; the reports say what would be.</summary>
    public bool IsDryRun { get; init; }

    /// <summary>How long to wait until every replica serves what was pushed; null for not at all.</summary>
    public TimeSpan? WaitLimit { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Told when a registry is found, by its name; what it returns gets every change. Null for nobody.</summary>
    public Func<string, IProgress<TransferProgress>>? Progress { get; init; }

    /// <summary>Told of each result as soon as it is there, from several threads; null for nobody.</summary>
    public Action<PushResult>? OnResult { get; init; }
}

/// <summary>What came of a push to one registry.</summary>
/// <param name="Target">Which registry.</param>
/// <param name="Report">What was sent; null when nothing could be.</param>
/// <param name="Failures">Why it is not complete, one sentence each; empty when it is.</param>
public sealed record PushResult(string Target, CopyReport? Report, IReadOnlyList<string> Failures)
{
    /// <summary>
    /// Bytes that are left on the fullest replica; null where that is not known, and after a push that was not a dry run.
    /// </summary>
    public long? FreeSpace { get; init; }

    /// <summary>Whether everything is there.</summary>
    public bool IsComplete => Failures.Count == 0;
}
