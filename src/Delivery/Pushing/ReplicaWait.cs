using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Delivery.Pushing;

/// <summary>Waits until every replica of a registry serves content, down to each blob.</summary>
/// <param name="limit">How long at most.</param>
/// <param name="workers">Names of a replica that are looked at at once.</param>
/// <param name="time">The clock.</param>
internal sealed class ReplicaWait(TimeSpan limit, int workers, TimeProvider time)
{
    /// <summary>Replicas copy every few seconds at best.</summary>
    internal static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    /// <returns>One sentence for each replica that does not serve all of it in time.</returns>
    public async Task<IReadOnlyList<string>> RunAsync(
        RegistryTarget target, IReadOnlyList<ExpectedContent> expected, CancellationToken cancellationToken)
    {
        using var end = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(end.Token, cancellationToken);
        var problems = await Task.WhenAll(target.Replicas.Select(replica => WaitAsync(replica, expected, either.Token)));
        cancellationToken.ThrowIfCancellationRequested();
        return [.. problems.OfType<string>()];
    }

    private async Task<string?> WaitAsync(
        RegistryReplica replica, IReadOnlyList<ExpectedContent> expected, CancellationToken cancellationToken)
    {
        var missing = expected;
        var reason = "It has not answered.";
        try
        {
            while (true)
            {
                var failures = await RegistryVerification.RunAsync(replica.Client, missing, workers, cancellationToken);
                if (failures.Count == 0)
                    return null;
                reason = failures[0].Reason;
                var labels = failures.Select(failure => failure.Label).ToHashSet(StringComparer.Ordinal);
                missing = [.. missing.Where(entry => labels.Contains(entry.Label))];
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            return $"The replica {replica.Name} does not serve {missing.Count} of {expected.Count} after {limit.TotalSeconds:F0} s, "
                + $"{missing[0].Label} among them: {reason}";
        }
    }
}
