using CapiRegistryHook.Harness;

namespace CapiRegistryHook.Benchmarks;

/// <summary>
/// Who runs where: the service on the first two processors, the load on the next two. With fewer than four, all share what there is.
/// </summary>
internal static class Processors
{
    private const int Each = 2;
    private const string Shared = "All share all processors: pinning takes four.";

    /// <summary>Counted before this process gives any of them away.</summary>
    private static readonly int Count = Environment.ProcessorCount;

    /// <summary>The processors of the service, as <c>taskset</c> names them; null for all.</summary>
    public static string? OfService => Count >= 2 * Each ? "0,1" : null;

    /// <summary>Those of the load; null for all.</summary>
    public static string? OfLoad => Count >= 2 * Each ? "2,3" : null;

    /// <summary>How many the load has.</summary>
    public static int CountOfLoad => OfLoad is null ? Count : Each;

    /// <summary>Moves this process away from the service: its threads, and the processes that it starts from now on.</summary>
    /// <returns>A sentence on what runs where.</returns>
    public static async Task<string> PinAsync(CancellationToken cancellationToken)
    {
        if (OfLoad is null)
            return Shared;
        await MoveAsync(OfLoad, cancellationToken);
        return "The service runs on processors 0 and 1, the load and the API servers on 2 and 3.";
    }

    /// <summary>Moves this process, which holds callers and the API servers that hooks ask, to the service. Its children stay.</summary>
    /// <returns>A sentence on what runs where.</returns>
    public static async Task<string> JoinServiceAsync(CancellationToken cancellationToken)
    {
        if (OfService is null)
            return Shared;
        await MoveAsync(OfService, cancellationToken);
        return "The service, its callers and the API servers that hooks ask run on processors 0 and 1; "
            + "the syncer, registries and the clusters that are filled on 2 and 3.";
    }

    /// <summary>Lets this process run everywhere again.</summary>
    public static Task ReleaseAsync(CancellationToken cancellationToken) =>
        OfService is null
            ? Task.CompletedTask : MoveAsync($"0-{Count - 1}", cancellationToken);

    private static async Task MoveAsync(string processors, CancellationToken cancellationToken)
    {
        string[] arguments = ["--all-tasks", "--cpu-list", "--pid", processors, $"{Environment.ProcessId}"];
        await ProgramRun.OutputOfAsync("taskset", arguments, cancellationToken);
    }
}
