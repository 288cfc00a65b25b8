namespace CapiRegistryHook.Registry.Outcomes;

/// <summary>How an attempt to make a cluster's registry true ended. Sentences are fixed: the same state gives the same text.</summary>
public abstract record RegistryOutcome
{
    private RegistryOutcome()
    {
    }

    /// <summary>What was changed, in order, also when the attempt did not come to its end; empty when nothing.</summary>
    public IReadOnlyList<Change> Changes { get; init; } = [];

    /// <summary>What is in the way, when something is that is not the user's to change; otherwise null.</summary>
    internal string? Obstacle => this switch
    {
        Waiting waiting => waiting.Reason,
        Refused refused => refused.Reason,
        Unavailable unavailable => unavailable.Reason,
        _ => null,
    };

    /// <summary>The Cluster does not ask for a registry.</summary>
    public sealed record NotWanted : RegistryOutcome;

    /// <summary>All is as it should be.</summary>
    public sealed record Done : RegistryOutcome;

    /// <summary>The user must change the Cluster first.</summary>
    /// <param name="Reason">One sentence per problem, each naming the field and the remedy.</param>
    public sealed record Invalid(string Reason) : RegistryOutcome;

    /// <summary>Nothing is wrong, but something that others make is not there yet.</summary>
    /// <param name="Reason">What is awaited.</param>
    public sealed record Waiting(string Reason) : RegistryOutcome;

    /// <summary>Going on would break trust or overwrite a key; a person has to act.</summary>
    /// <param name="Reason">What is wrong, and the remedy.</param>
    public sealed record Refused(string Reason) : RegistryOutcome;

    /// <summary>An API server can't be used now; trying again later is safe.</summary>
    /// <param name="Reason">Which one, without its own words, which may change from call to call.</param>
    /// <param name="Cause">The fault, for the log.</param>
    public sealed record Unavailable(string Reason, Exception? Cause = null) : RegistryOutcome;

    /// <summary>A fault held up an upgrade for as long as it may; the upgrade goes on without a refreshed registry.</summary>
    /// <param name="Reason">The fault that did not go away.</param>
    public sealed record LetGo(string Reason) : RegistryOutcome;
}

/// <summary>One write that an operation made, or left undone on purpose.</summary>
/// <param name="Verb">What happened to the object.</param>
/// <param name="Kind">The object's kind, for example <c>Secret</c>.</param>
/// <param name="Name">Namespace and name.</param>
/// <param name="OnWorkloadCluster">Where the object lies: the workload cluster, or the management cluster.</param>
/// <param name="Why">A fixed sentence.</param>
public sealed record Change(ChangeVerb Verb, string Kind, string Name, bool OnWorkloadCluster, string Why);

/// <summary>What happened to an object.</summary>
public enum ChangeVerb
{
    /// <summary>It was not there before.</summary>
    Created,

    /// <summary>It was there with other content.</summary>
    Updated,

    /// <summary>It stays as it is although something else is asked for.</summary>
    Kept,

    /// <summary>It is gone, or will be once its finalizers agree.</summary>
    Deleted,
}
