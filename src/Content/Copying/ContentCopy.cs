using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;

namespace CapiRegistryHook.Content.Copying;

/// <summary>
/// Copies content to a registry: blobs before the manifests that name them, manifests before indexes, tags last. What is there is not
/// sent, what is in another repository is mounted, and one failure does not end the others. May be run again after any interruption.
/// </summary>
public static class ContentCopy
{
    /// <summary>What <see cref="RunAsync"/> would do now; nothing is written.</summary>
    /// <exception cref="ContentException">Two items want the same place.</exception>
    public static async Task<CopyReport> PlanAsync(
        RegistryClient target, IReadOnlyList<CopyItem> items, CopyOptions options, CancellationToken cancellationToken)
    {
        CopyPlan.RefuseTwoUnderOneTag(items);
        var plan = new CopyPlan(target, options, new Dictionary<Digest, string>());
        await plan.MakeAsync(items, mayLeave: false, cancellationToken);
        var copied = plan.Items.Select(item => item.Item.Label).ToList();
        var live = plan.Blobs.Values.Where(blob => blob.Wanted.Any(wanted => !plan.Failures.ContainsKey(wanted.Item.Label))).ToList();
        var uploads = live.Where(blob => blob.There.Count == 0).ToList();
        return new CopyReport(uploads.Sum(blob => blob.Blob.Size), uploads.Count, live.Sum(blob => blob.Missing.Count) - uploads.Count,
            live.Sum(blob => blob.There.Count), 0, copied, Failures(items, plan.Failures));
    }

    /// <summary>Copies.</summary>
    /// <param name="target">The registry.</param>
    /// <param name="items">What goes there.</param>
    /// <param name="options">How it is copied.</param>
    /// <param name="cancellationToken">Ends the copying; what is there by then stays.</param>
    /// <exception cref="ContentException">Two items want the same place; nothing was sent.</exception>
    public static async Task<CopyReport> RunAsync(
        RegistryClient target, IReadOnlyList<CopyItem> items, CopyOptions options, CancellationToken cancellationToken)
    {
        CopyPlan.RefuseTwoUnderOneTag(items);
        using var run = new CopyRun(target, options);
        var copied = new List<string>(items.Count);
        var groups = new Queue<CopyItem[]>(items.Chunk(Math.Max(1, options.GroupSize)));
        while (groups.TryDequeue(out var group))
        {
            var plan = new CopyPlan(target, options, run.Places);
            var left = await plan.MakeAsync(group, mayLeave: group.Length > 1, cancellationToken);
            copied.AddRange(await run.CopyAsync(plan, cancellationToken));
            // In halves, so that in the end each has all the room for itself.
            foreach (var half in left.Chunk(Math.Max(1, (left.Count + 1) / 2)))
                groups.Enqueue(half);
        }

        return run.Report(copied, Failures(items, run.Failures));
    }

    private static List<CopyFailure> Failures(IReadOnlyList<CopyItem> items, IReadOnlyDictionary<string, string> reasons) =>
        [.. items.Select(item => item.Label).Distinct().Where(reasons.ContainsKey).Select(label => new CopyFailure(label, reasons[label]))];
}
