using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>
/// Keeps the condition on a Cluster. It is applied as a field set of this product's own, so the conditions of others are neither sent nor
/// changed; and only when it says something else than the one that the reconcile read, so a healthy registry costs no write.
/// </summary>
internal sealed class ClusterConditionWriter(KubernetesClient management, RegistryOptions options, TimeProvider time)
{
    /// <summary>Not the manager of the rest: what one of them leaves out must not take away what the other one wrote.</summary>
    public const string FieldManager = $"{ObjectLabels.FieldManager}-condition";

    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(10);

    /// <summary>Writes the condition, or takes it away. One that can't be written does not fail the reconcile.</summary>
    /// <returns>Why it could not be written; null when it is as it is to be.</returns>
    public async Task<string?> WriteAsync(ReconcileContext context, ReconcileResult result, CancellationToken cancellationToken)
    {
        if (options.ClusterCondition == ClusterConditionMode.Off || context.Cluster is not { } cluster
            || result.Phase is ClusterPhase.Gone or ClusterPhase.Deleting or ClusterPhase.Paused)
            return null;
        var live = RegistryCondition.Find(cluster);
        var now = time.GetUtcNow();
        var wanted = options.ClusterCondition == ClusterConditionMode.Remove ? null : ClusterConditionRules.Of(context, result, now);
        if (wanted is null ? live is null : live is not null && wanted == live with { LastTransitionTime = null })
            return null;
        if (wanted is not null)
            wanted = wanted with { LastTransitionTime = TransitionOf(wanted, live, now) };
        return await ApplyAsync(cluster, wanted, cancellationToken);
    }

    /// <summary>The time is that of the last change of the status, whatever becomes of reason and message.</summary>
    private static string TransitionOf(ObjectCondition wanted, ObjectCondition? live, DateTimeOffset now) =>
        live?.Status == wanted.Status && live?.LastTransitionTime is { } since ? since : KubernetesTime.Format(now);

    private async Task<string?> ApplyAsync(Cluster cluster, ObjectCondition? wanted, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(WriteLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await management.ServerSideApplyAsync(
                RegistryResources.ClusterStatuses(cluster), RegistryCondition.Apply(cluster, wanted),
                new ApplyOptions(FieldManager, Force: true), either.Token);
            return null;
        }
        catch (KubernetesApiException exception)
        {
            return exception.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return "The management API server did not answer in time.";
        }
    }
}
