using System.Collections.Concurrent;
using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Delivery.Pushing;

/// <summary>
/// Pushes content to many registries at once. Each is on its own: one that fails does not hold up the others, and running it again sends
/// what is missing.
/// </summary>
/// <param name="entries">What is pushed.</param>
/// <param name="options">How.</param>
public sealed class FleetPush(IReadOnlyList<SourceEntry> entries, PushOptions options)
{
    private const string Incomplete = "It is not sent, because what it lists may not be complete.";

    /// <summary>Pushes to all of them.</summary>
    /// <param name="targets">The registries.</param>
    /// <param name="cancellationToken">Ends the push; what is there by then stays.</param>
    /// <returns>One result for each, in the order given.</returns>
    public async Task<IReadOnlyList<PushResult>> RunAsync(IReadOnlyList<TargetAddress> targets, CancellationToken cancellationToken)
    {
        var content = await ContentPlaces.ReadAsync(entries, cancellationToken);
        var results = new ConcurrentDictionary<int, PushResult>();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, options.Parallel),
            CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(targets.Index(), parallel, async (target, token) =>
        {
            var result = results[target.Index] = await PushAsync(target.Item, content, token);
            options.OnResult?.Invoke(result);
        });
        return [.. results.OrderBy(pair => pair.Key).Select(pair => pair.Value)];
    }

    private async Task<PushResult> PushAsync(
        TargetAddress address, IReadOnlyList<ContentPlaces.Named> content, CancellationToken cancellationToken)
    {
        CopyReport? report = null;
        try
        {
            using var target = await address.OpenAsync(cancellationToken);
            var places = ContentPlaces.Map(content, target.Rule);
            // One refusal instead of one for each name.
            await target.Client.PingAsync(cancellationToken);
            report = await CopyAsync(target, places, cancellationToken);
            var failures = Describe(report.Failures).ToList();
            if (options.IsDryRun)
                return await CompareAsync(target, new PushResult(address.Name, report, failures), cancellationToken);
            if (options is { WaitLimit: { } limit })
            {
                var copied = report.Copied.ToHashSet(StringComparer.Ordinal);
                var expected = ContentPlaces.ToExpect(content, places).Where(entry => copied.Contains(entry.Label)).ToList();
                failures.AddRange(
                    await new ReplicaWait(limit, options.Workers, options.Time).RunAsync(target, expected, cancellationToken));
            }

            return new PushResult(address.Name, report, failures);
        }
        catch (Exception exception) when (Fault.Is(exception))
        {
            return new PushResult(address.Name, report, [Fault.Describe(exception)]);
        }
    }

    // Every replica gets everything, so the fullest one decides.
    private static async Task<PushResult> CompareAsync(RegistryTarget target, PushResult planned, CancellationToken cancellationToken)
    {
        var free = target.ReadFreeSpaceAsync is { } read ? await read(cancellationToken) : new Dictionary<string, long>();
        var known = target.Replicas.Where(replica => free.ContainsKey(replica.Name)).Select(replica => replica.Name).ToList();
        if (known.MinBy(name => free[name]) is not { } fullest)
            return planned;
        var left = free[fullest];
        var size = planned.Report!.BytesSent;
        return planned with
        {
            FreeSpace = left,
            Failures = size <= left ? planned.Failures : [.. planned.Failures,
                $"{size} bytes would be sent, and the volume of the replica {fullest} has {left} left: make it larger, or remove content."],
        };
    }

    /// <summary>Locks of a backup come after all that they list, as when they were written first: one of them alone says that a registry
    /// holds its content.</summary>
    private async Task<CopyReport> CopyAsync(
        RegistryTarget target, IReadOnlyList<RegistryPlace> places, CancellationToken cancellationToken)
    {
        var items = ContentPlaces.ToCopy(entries, places);
        var copy = new CopyOptions
        {
            Workers = options.Workers,
            Progress = options.Progress?.Invoke(target.Name),
        };
        if (options.IsDryRun)
            return await ContentCopy.PlanAsync(target.Client, items, copy, cancellationToken);
        var locks = items.Where(item => item.Repository == ContentArtifact.Repository).ToList();
        var report = await ContentCopy.RunAsync(target.Client, [.. items.Except(locks)], copy, cancellationToken);
        if (locks.Count == 0)
            return report;
        return report.Failures.Count == 0
            ? report.With(await ContentCopy.RunAsync(target.Client, locks, copy with { Progress = null }, cancellationToken))
            : report with { Failures = [.. report.Failures, .. locks.Select(item => new CopyFailure(item.Label, Incomplete))] };
    }

    // A registry that goes away fails every name with the same sentence.
    private static IEnumerable<string> Describe(IReadOnlyList<CopyFailure> failures) => failures
        .GroupBy(failure => failure.Reason, failure => failure.Label)
        .Select(same => $"{same.First()}{(same.Count() > 1 ? $" and {same.Count() - 1} more" : "")}: {same.Key}");
}
