namespace CapiRegistryHook.Registry.Contents;

/// <summary>What the syncer last found. Only the syncer writes it.</summary>
public sealed record RegistryContentStatus
{
    /// <summary>The generation of the spec that all of this is about.</summary>
    public long? ObservedGeneration { get; init; }

    /// <summary>The content as it was last resolved; null until it could be.</summary>
    public ResolvedLock? Lock { get; init; }

    /// <summary>How many Clusters there are.</summary>
    public ClusterCounts? Clusters { get; init; }

    /// <summary>The first Clusters that fail, at most <see cref="MostFailing"/>, by namespace and name.</summary>
    public IReadOnlyList<FailingCluster>? Failing { get; init; }

    /// <summary>When content was last written to a registry.</summary>
    public DateTimeOffset? LastSyncTime { get; init; }

    /// <summary><see cref="Ready"/> and <see cref="SourceReady"/>.</summary>
    public IReadOnlyList<ContentCondition>? Conditions { get; init; }

    /// <summary>The condition that is true when every selected Cluster holds the content.</summary>
    public const string Ready = "Ready";

    /// <summary>The condition that is true when the source answers and the lock can be used.</summary>
    public const string SourceReady = "SourceReady";

    /// <summary>The most Clusters that are listed as failing.</summary>
    public const int MostFailing = 10;
}

/// <summary>A lock with each reference resolved to a digest.</summary>
/// <param name="Digest">
/// The digest of the artifact in each registry that holds the content: see <see cref="ContentArtifact"/>.
/// </param>
/// <param name="Entries">How many images, charts and artifacts it names.</param>
public sealed record ResolvedLock(string? Digest, int Entries);

/// <summary>Clusters of a content. A Cluster without a registry is not counted.</summary>
/// <param name="Matched">Those that it selects.</param>
/// <param name="Complete">Those whose registry holds all of it.</param>
/// <param name="Failing">Those where the last try failed.</param>
public sealed record ClusterCounts(int Matched, int Complete, int Failing);

/// <summary>A Cluster that fails.</summary>
/// <param name="Cluster">As namespace/name.</param>
/// <param name="Reason">Why, as one sentence.</param>
public sealed record FailingCluster(string? Cluster, string? Reason);

/// <summary>A condition, as Kubernetes defines it.</summary>
public sealed record ContentCondition
{
    /// <summary>What it is about.</summary>
    public required string Type { get; init; }

    /// <summary><c>True</c>, <c>False</c> or <c>Unknown</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Why, as one word.</summary>
    public required string Reason { get; init; }

    /// <summary>Why, as a sentence.</summary>
    public required string Message { get; init; }

    /// <summary>The generation of the spec that it is about.</summary>
    public long ObservedGeneration { get; init; }

    /// <summary>When the status last changed.</summary>
    public DateTimeOffset LastTransitionTime { get; init; }
}
