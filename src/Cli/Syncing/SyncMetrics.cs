using CapiRegistryHook.Delivery.Syncing;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Registry.Access;
using static CapiRegistryHook.Hooks.Operations.MetricType;

namespace CapiRegistryHook.Cli.Syncing;

/// <summary>Every metric of the syncer, in the order of docs/fleet-content.md.</summary>
internal static class SyncMetrics
{
    private const string OfTheLeader = " Only the leader shows it.";

    private static readonly Metric BuildInfo = new("build_info", Gauge, "Always 1; the label has the version.", "version");

    private static readonly Metric ApiCalls = new("api_calls_total", Counter,
        "Calls to the management API server, by outcome: success or the kind of failure. Each retry counts, watches do not.", "server",
        "outcome");

    private static readonly Metric Leader = new("sync_leader", Gauge, "1 on the replica that syncs, 0 on the others.");

    private static readonly Metric Runs = new("sync_runs_total", Counter,
        "Clusters that were worked on, by result: settled, waiting (others are filled first), fetching (by themselves) or failed.",
        "result");

    private static readonly Metric Checks = new("sync_checks_total", Counter,
        "Questions to registries whether they hold a content: one request for each, Cluster and interval.");

    private static readonly Metric Bytes = new("sync_sent_bytes_total", Counter, "Bytes of blobs that were sent to registries.");

    private static readonly Metric QueueDepth = new("sync_queue_depth", Gauge,
        "Clusters that are due and wait for a worker." + OfTheLeader);

    private static readonly Metric Running = new("sync_running", Gauge, "Clusters that are worked on now." + OfTheLeader);

    private static readonly Metric Clusters = new("sync_clusters", Gauge,
        "Clusters that a RegistryContent selects, by state: complete, failing or incomplete." + OfTheLeader, "content_namespace", "content",
        "state");

    private static readonly Metric SourceReady = new("sync_source_ready", Gauge,
        "1 while the source and the lock of a RegistryContent can be used, else 0." + OfTheLeader, "content_namespace", "content");

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Metric> All { get; } =
        [BuildInfo, ApiCalls, Leader, Runs, Checks, Bytes, QueueDepth, Running, Clusters, SourceReady];

    /// <summary>The page.</summary>
    public static string Write(SyncStatistics statistics, ApiCallCounts calls)
    {
        var text = new MetricsText();
        var figures = statistics.Read();
        Family(text, BuildInfo, [(1, [ServiceVersion.Text])]);
        Family(text, ApiCalls, calls.Read().Where(call => call.Server == "management")
            .Select(call => ((double)call.Count, (string[])[call.Server, call.Outcome])));
        Family(text, Leader, [(figures is null ? 0 : 1, [])]);
        Family(text, Runs, statistics.Runs.Select(run => ((double)run.Count, (string[])[run.Result])));
        Family(text, Checks, [(statistics.Checks, [])]);
        Family(text, Bytes, [(statistics.Bytes, [])]);
        if (figures is not null)
            Write(text, figures);
        return text.ToString();
    }

    private static void Write(MetricsText text, SyncFigures figures)
    {
        Family(text, QueueDepth, [(figures.Depth, [])]);
        Family(text, Running, [(figures.Running, [])]);
        Family(text, Clusters, figures.Contents.SelectMany(content => States(content)
            .Select(state => ((double)state.Count, (string[])[content.Key.Namespace, content.Key.Name, state.Name]))));
        Family(text, SourceReady, figures.Contents.Where(content => content.IsSourceReady is not null)
            .Select(content => (content.IsSourceReady == true ? 1.0 : 0, (string[])[content.Key.Namespace, content.Key.Name])));
    }

    private static IEnumerable<(string Name, int Count)> States(ContentFigures content)
    {
        var clusters = content.Clusters;
        return [("complete", clusters.Complete), ("failing", clusters.Failing),
            ("incomplete", clusters.Matched - clusters.Complete - clusters.Failing)];
    }

    private static void Family(MetricsText text, Metric metric, IEnumerable<(double Value, string[] Labels)> samples)
    {
        text.Family(metric);
        foreach (var (value, labels) in samples)
            text.Sample(metric, value, labels);
    }
}
