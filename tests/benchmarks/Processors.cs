using System.Globalization;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.Benchmarks;

/// <summary>
/// Who runs where: the service on the first two processors, and all others (the load, API servers, a syncer) on the next two. With fewer
/// than four, all share what there is.
/// </summary>
internal static class Processors
{
    private const int Each = 2;

    /// <summary>Counted before this process gives any of them away.</summary>
    private static readonly int Count = Environment.ProcessorCount;

    /// <summary>The processors of the service, as <c>taskset</c> names them; null for all.</summary>
    public static string? OfService => Count >= 2 * Each ? "0,1" : null;

    /// <summary>How many the load has.</summary>
    public static int OfLoad => OfService is null ? Count : Each;

    /// <summary>Moves every thread of this process away from the service; those that come later inherit it.</summary>
    /// <returns>A sentence on what runs where.</returns>
    public static async Task<string> PinAsync(CancellationToken cancellationToken)
    {
        if (OfService is null)
            return "The service and the load share all processors: pinning takes four.";
        await MoveAsync("2,3", cancellationToken);
        return "The service runs on processors 0 and 1, the load and the API servers on 2 and 3.";
    }

    /// <summary>Lets this process run everywhere again.</summary>
    public static Task ReleaseAsync(CancellationToken cancellationToken) =>
        OfService is null ? Task.CompletedTask : MoveAsync(string.Create(CultureInfo.InvariantCulture, $"0-{Count - 1}"), cancellationToken);

    private static async Task MoveAsync(string processors, CancellationToken cancellationToken)
    {
        string[] arguments = ["--all-tasks", "--cpu-list", "--pid", processors, $"{Environment.ProcessId}"];
        await ProgramRun.OutputOfAsync("taskset", arguments, cancellationToken);
    }
}
