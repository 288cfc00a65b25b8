using static CapiRegistryHook.Hooks.Operations.MetricType;

namespace CapiRegistryHook.Hooks.Operations;

/// <summary>Every metric of the service, in the order of docs/metrics.md. Those of the leader say so.</summary>
internal static class ServiceMetrics
{
    private const string OfTheLeader = " Only the leader shows it.";

    public static readonly Metric BuildInfo = new("build_info", Gauge, "Always 1; the label has the version of the service.", "version");

    public static readonly Metric ServingCertificate = new("serving_certificate_not_after_timestamp_seconds", Gauge,
        "End of the certificate that is served now, in seconds since 1970. It moves when a renewed certificate is taken.");

    public static readonly Metric Calls = new("calls_total", Counter, "Calls by Cluster API.", "hook", "outcome");

    public static readonly Metric CallDuration = new("call_duration_seconds", Histogram,
        "Time from the head of a request to its answer. Buckets from 5 ms to 10 s.", "hook");

    public static readonly Metric RefusedCallers = new("refused_callers_total", Counter,
        "Requests to a hook that were refused because of the caller's client certificate: no_certificate, untrusted (it expired, or its CA "
            + "was replaced, while the caller was connected) or name. A forged certificate fails in the handshake and is not counted.",
        "reason");

    public static readonly Metric ApiCalls = new("api_calls_total", Counter,
        "Calls to API servers, management or workload, by outcome: success or the kind of failure. Each retry counts, watches do not.",
        "server", "outcome");

    public static readonly Metric Leader = new("leader", Gauge, "1 on the replica that reconciles, 0 on the others.");

    public static readonly Metric Reconciles = new("reconcile_total", Counter,
        "Reconciles of Clusters by result: a phase as below, gone or error.", "result");

    public static readonly Metric ReconcileDuration = new("reconcile_duration_seconds", Histogram, "How long reconciles of Clusters took.");

    public static readonly Metric QueueDepth = new("queue_depth", Gauge, "Clusters that are due and wait for a worker." + OfTheLeader);

    public static readonly Metric Clusters = new("clusters", Gauge, "Clusters by the phase of their registry." + OfTheLeader, "phase");

    public static readonly Metric ClusterCertificate = new("certificate_not_after_timestamp_seconds", Gauge,
        "End of the certificate of a cluster's registry, in seconds since 1970; the last known one in every phase but off." + OfTheLeader,
        "cluster_namespace", "cluster");

    public static readonly Metric VolumeCapacity = OfVolume("capacity_bytes", "Size of the volume of a registry's pod, in bytes.");

    public static readonly Metric VolumeUsed = OfVolume("used_bytes",
        "What a registry can't have of that, in bytes: what is stored there, and what the file system keeps back.");

    public static readonly Metric VolumeInodes = OfVolume("inodes",
        "Inodes of the volume; 0 on file systems without a fixed number.");

    public static readonly Metric VolumeInodesUsed = OfVolume("inodes_used", "Inodes of the volume that are in use.");

    public static readonly Metric RotationClusters = new("rotation_clusters", Gauge,
        "Clusters by their phase in a rotation of the root CA: none, prepare, switch or drain." + OfTheLeader, "phase");

    public static readonly Metric RootGeneration = new("root_generation", Gauge,
        "Number of root CAs so far, the current one included." + OfTheLeader);

    public static readonly Metric RootEnd = new("root_not_after_timestamp_seconds", Gauge,
        "End of the current root CA, in seconds since 1970." + OfTheLeader);

    public static readonly Metric RotationBlocked = new("rotation_blocked", Gauge,
        "1 while the root CA is due for rotation and can't be rotated; the log says why." + OfTheLeader);

    public static readonly Metric RolloutClusters = new("rollout_clusters", Gauge,
        "Installed registries by their state in a rollout of the admin's values or of a new chart: current, in_progress (new pods not seen "
            + "serving yet), waiting (for their turn, or for an upgrade) or failed." + OfTheLeader, "state");

    public static readonly Metric RolloutStopped = new("rollout_stopped", Gauge,
        "1 while a paced rollout has stopped because too many registries failed; the log names some of them." + OfTheLeader);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Metric> All { get; } =
    [
        BuildInfo, ServingCertificate, Calls, CallDuration, RefusedCallers, ApiCalls, Leader, Reconciles, ReconcileDuration, QueueDepth,
        Clusters, ClusterCertificate, VolumeCapacity, VolumeUsed, VolumeInodes, VolumeInodesUsed, RotationClusters, RootGeneration, RootEnd,
        RotationBlocked, RolloutClusters, RolloutStopped,
    ];

    /// <summary>Of storage with statistics, as last read (<c>--volume-interval</c>).</summary>
    private static Metric OfVolume(string name, string meaning) => new(
        $"registry_volume_{name}", Gauge, meaning + " Storage without statistics has none." + OfTheLeader,
        "cluster_namespace", "cluster", "pod");
}
