using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>
/// Decides what the condition on a Cluster says after a reconcile. It is True while nodes can be expected to pull through the registry,
/// also while its pods follow a change one after the other. Pure.
/// </summary>
internal static class ClusterConditionRules
{
    private const string True = "True";
    private const string False = "False";
    private const string Unknown = "Unknown";

    private const string InvalidVariable = "InvalidVariable";
    private const string Filling = "Filling";
    private const string Refused = "Refused";
    private const string ReleaseFailed = "ReleaseFailed";
    private const string Unreachable = "Unreachable";

    /// <summary>In bytes of UTF-8, as in an Event: a list of problems may be long.</summary>
    public const int LongestMessage = 1024;

    /// <summary>The condition without its time; null when the Cluster is to have none.</summary>
    /// <param name="context">What the reconcile found.</param>
    /// <param name="result">How it ended; not paused, deleted or gone.</param>
    /// <param name="now">The current time.</param>
    public static ObjectCondition? Of(ReconcileContext context, ReconcileResult result, DateTimeOffset now)
    {
        var reason = result.Reason ?? "";
        var (status, word, message) = result.Phase switch
        {
            ClusterPhase.Ready => OfReady(context),
            ClusterPhase.Off when context.IsBeingRemoved =>
                (False, "Disabled", "The Cluster no longer requests a registry; it is being removed."),
            ClusterPhase.Invalid => (False, InvalidVariable, reason),
            ClusterPhase.Refused => (False, Refused, reason),
            ClusterPhase.Failing => (False, ReleaseFailed, reason),
            ClusterPhase.Filling => (False, Filling, reason),
            ClusterPhase.Unreachable => (Unknown, Unreachable, reason),
            ClusterPhase.Waiting when context.RolloutStop is { } stop => (False, "RolloutStopped", stop),
            ClusterPhase.Waiting => OfWaiting(context, reason, now),
            _ => default,
        };
        return status is null ? null : new ObjectCondition
        {
            Type = RegistryCondition.Type,
            Status = status,
            Reason = word,
            Message = FieldText.Cut(message, LongestMessage),
            ObservedGeneration = context.Cluster?.Metadata.Generation,
        };
    }

    /// <summary>The phase that a condition which is not True stands for.</summary>
    public static ClusterPhase PhaseOf(string reason) => reason switch
    {
        InvalidVariable => ClusterPhase.Invalid,
        Refused => ClusterPhase.Refused,
        ReleaseFailed => ClusterPhase.Failing,
        Filling => ClusterPhase.Filling,
        Unreachable => ClusterPhase.Unreachable,
        _ => ClusterPhase.Waiting,
    };

    private static (string Status, string Reason, string Message) OfReady(ReconcileContext context) =>
        context.Changes.Find(change => change.Verb == ChangeVerb.Kept) is { } kept
            ? (True, ClusterEventRules.ReasonOfKept(kept), kept.Reason)
            : (True, "Ready", "All replicas serve the certificate that was issued for them.");

    private static (string Status, string Reason, string Message) OfWaiting(ReconcileContext context, string reason, DateTimeOffset now)
    {
        if (context is { Progress.Served: null, Certificate.Served: null, Former: null or { Served: null } } or { Certificate: null })
            return (False, "Installing", reason);
        // The certificate is valid from five minutes before it was issued; that is close enough.
        if (context.Certificate is { IsServed: false } certificate)
            return Rolling("CertificateRolling", "CertificateNotServed", reason, certificate.NotBefore, now);
        return context.Progress is { IsInProgress: true } progress
            ? Rolling("ReleaseRolling", "ReleaseNotServed", reason, progress.Since, now) : (Unknown, "Waiting", reason);
    }

    /// <summary>The other pods serve meanwhile; pods that do not follow in time are a fault.</summary>
    private static (string Status, string Reason, string Message) Rolling(
        string rolling, string late, string reason, DateTimeOffset since, DateTimeOffset now) =>
        now - since <= Rollout.ProgressLimit ? (True, rolling, reason) : (False, late, reason);
}
