namespace CapiRegistryHook.Registry.Outcomes;

/// <summary>How an attempt to install or update a cluster's registry ended. The same state always gives the same reason.</summary>
public sealed record RegistryOutcome
{
    private RegistryOutcome(OutcomeKind kind, string reason = "", Exception? cause = null) => (Kind, Reason, Cause) = (kind, reason, cause);

    /// <summary>
    /// What ended the attempt. Switch over it without a discard: a kind that is added later then does not compile until each caller has
    /// decided about it.
    /// </summary>
    public OutcomeKind Kind { get; }

    /// <summary>Why not, as fixed sentences for people; empty when nothing is in the way.</summary>
    public string Reason { get; }

    /// <summary>The fault, for the log; null when there was none.</summary>
    public Exception? Cause { get; }

    /// <summary>What an upgrade that was let go proceeds without, as the end of a clause; empty for other outcomes.</summary>
    public string Omission { get; private init; } = "";

    /// <summary>True when the fault is this program's own, and not that of an API server.</summary>
    public bool IsUnexpected { get; private init; }

    /// <summary>What was changed, in order, also when the attempt was cut short; empty when nothing was.</summary>
    public IReadOnlyList<Change> Changes { get; init; } = [];

    /// <summary>Everything is as it should be.</summary>
    internal static RegistryOutcome Done { get; } = new(OutcomeKind.Done);

    /// <summary>The Cluster does not request a registry.</summary>
    internal static RegistryOutcome NotWanted { get; } = new(OutcomeKind.NotWanted);

    /// <param name="reason">One sentence per problem, each naming the field and the remedy.</param>
    internal static RegistryOutcome Invalid(string reason) => new(OutcomeKind.Invalid, reason);

    /// <param name="reason">What is missing, and who creates it.</param>
    internal static RegistryOutcome Waiting(string reason) => new(OutcomeKind.Waiting, reason);

    /// <param name="reason">What failed, in words that stay the same while it fails for the same cause.</param>
    internal static RegistryOutcome Failing(string reason) => new(OutcomeKind.Failing, reason);

    /// <param name="reason">What is wrong, and the remedy.</param>
    internal static RegistryOutcome Refused(string reason) => new(OutcomeKind.Refused, reason);

    /// <param name="reason">Which server; without its own words, which may change from call to call.</param>
    /// <param name="cause">The fault, for the log.</param>
    internal static RegistryOutcome Unavailable(string reason, Exception? cause = null) => new(OutcomeKind.Unavailable, reason, cause);

    /// <summary>What should not happen. It is retried like a fault of an API server, so that its time is bounded like that one's.</summary>
    /// <param name="cause">The fault, for the log.</param>
    internal static RegistryOutcome Unexpected(Exception cause) =>
        new(OutcomeKind.Unavailable, "An unexpected fault; see this service's log.", cause) { IsUnexpected = true };

    /// <summary>The upgrade proceeds in spite of this outcome.</summary>
    /// <param name="omission">What it proceeds without, as the end of a clause.</param>
    internal RegistryOutcome LetGo(string omission) =>
        new(OutcomeKind.LetGo, Reason, Cause) { Changes = Changes, IsUnexpected = IsUnexpected, Omission = omission };
}

/// <summary>What can end an attempt.</summary>
public enum OutcomeKind
{
    /// <summary>Everything is as it should be.</summary>
    Done,

    /// <summary>The Cluster does not request a registry.</summary>
    NotWanted,

    /// <summary>The user must change the Cluster first.</summary>
    Invalid,

    /// <summary>Nothing is wrong, but something that others create does not exist yet.</summary>
    Waiting,

    /// <summary>The Helm release or a pod of the registry fails; it goes on failing until a person removes the cause.</summary>
    Failing,

    /// <summary>To continue would break trust or overwrite what is not ours; a person has to act.</summary>
    Refused,

    /// <summary>An API server can't be used now; a retry is safe.</summary>
    Unavailable,

    /// <summary>An upgrade was blocked for as long as it may be, and proceeds without a refreshed registry.</summary>
    LetGo,
}

/// <summary>One write that an operation made, or left undone on purpose.</summary>
/// <param name="Verb">What happened to the object.</param>
/// <param name="Kind">The object's kind, for example <c>Secret</c>.</param>
/// <param name="Name">Namespace and name.</param>
/// <param name="OnWorkloadCluster">Whether the object is on the workload cluster, and not on the management cluster.</param>
/// <param name="Reason">Why, as a fixed sentence.</param>
public sealed record Change(ChangeVerb Verb, string Kind, string Name, bool OnWorkloadCluster, string Reason);

/// <summary>What happened to an object.</summary>
public enum ChangeVerb
{
    /// <summary>It did not exist before.</summary>
    Created,

    /// <summary>It had other content.</summary>
    Updated,

    /// <summary>It stays as it is although something else was requested.</summary>
    Kept,

    /// <summary>It is gone, or will be once its finalizers agree.</summary>
    Deleted,
}
