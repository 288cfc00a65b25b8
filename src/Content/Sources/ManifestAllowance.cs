using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Sources;

/// <summary>Bytes of manifests that may be in memory together. Safe for several callers.</summary>
/// <param name="most">How many at most.</param>
public sealed class ManifestAllowance(long most)
{
    private long _taken;

    /// <summary>How many at most.</summary>
    public long Most => most;

    /// <summary>Takes some; false when there are not so many left.</summary>
    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= most)
            return true;
        Return(bytes);
        return false;
    }

    /// <summary>Gives some back.</summary>
    public void Return(long bytes) => Interlocked.Add(ref _taken, -bytes);
}

/// <summary>Manifests take more memory than they may, alone or together with others.</summary>
/// <param name="message">The sentence.</param>
internal sealed class ManifestAllowanceException(string message) : ContentException(message);
