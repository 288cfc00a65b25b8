namespace CapiRegistryHook.Hooks.Contract;

/// <summary>
/// What the bodies of all requests in work may take together. Each has its own cap, but a few dozen of the longest at once
/// would be more than the container has, and a process that is killed for its memory answers nobody.
/// </summary>
/// <param name="most">All bodies together, in bytes.</param>
/// <param name="longestBody">One body, in whole MiB as bytes.</param>
internal sealed class BodyMemory(long most, int longestBody)
{
    private const int Mebibyte = 1024 * 1024;

    /// <summary>Three of the longest bodies, or a thousand of the usual ones; the chart gives the container 256 MiB.</summary>
    public const int MostForHooks = 96 * Mebibyte;

    private long _taken;

    /// <summary>The memory for the bodies of hooks.</summary>
    public static BodyMemory ForHooks() => new(MostForHooks, HookBody.LongestBody);

    /// <summary>
    /// Memory of its own, because anybody who reaches the port may send these. etcd takes objects of 1.5 MiB, and the API server
    /// requests of 3 MiB.
    /// </summary>
    public static BodyMemory ForAdmission() => new(16 * Mebibyte, 4 * Mebibyte);

    /// <summary>The cap of one body in bytes.</summary>
    public int LongestBody => longestBody;

    /// <summary>The same, in MiB.</summary>
    public int LongestMebibytes => longestBody / Mebibyte;

    /// <summary>False, and nothing taken, when there is not so much left.</summary>
    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= most)
            return true;
        Interlocked.Add(ref _taken, -bytes);
        return false;
    }

    public void Give(int bytes) => Interlocked.Add(ref _taken, -bytes);
}
