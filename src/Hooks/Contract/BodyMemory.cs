namespace CapiRegistryHook.Hooks.Contract;

/// <summary>
/// What the bodies of all requests in work may take together. Each has its own cap, but a few dozen of the longest at once
/// would be more than the container has, and a process that is killed for its memory answers nobody.
/// </summary>
internal sealed class BodyMemory
{
    /// <summary>Three of the longest bodies, or a thousand of the usual ones; the chart gives the container 256 MiB.</summary>
    public const long Most = 96 * 1024 * 1024;

    private long _taken;

    /// <summary>False, and nothing taken, when there is not so much left.</summary>
    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= Most)
            return true;
        Interlocked.Add(ref _taken, -bytes);
        return false;
    }

    public void Give(int bytes) => Interlocked.Add(ref _taken, -bytes);
}
