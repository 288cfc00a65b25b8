using CapiRegistryHook.Delivery.Syncing;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Cli.Syncing;

/// <summary>Syncs while this replica holds the Lease, so that there is one writer.</summary>
internal sealed partial class SyncService : LeaderService
{
    private readonly ILogger<SyncService> _logger;
    private readonly Syncer _syncer;

    public SyncService(
        ContentFleet fleet, ClusterRegistryDirectory directory, SyncOptions options, TimeProvider time, ILogger<SyncService> logger)
        : base(fleet.CreateLease(options.Lease), "syncs", time, logger)
    {
        _logger = logger;
        _syncer = new Syncer(fleet, directory, options, time) { OnEvent = Log };
    }

    /// <summary>What the syncer counts.</summary>
    public SyncStatistics Statistics => _syncer.Statistics;

    protected override Task LeadAsync(CancellationToken cancellationToken) => _syncer.RunAsync(cancellationToken);

    private void Log(SyncEvent happened)
    {
        switch (happened.Kind)
        {
            case SyncEventKind.Resolved:
                LogResolved(happened.Content, happened.Count);
                break;
            case SyncEventKind.SourceFailed:
                LogSource(happened.Content, happened.Reason, happened.Cause);
                break;
            case SyncEventKind.ClusterFailed:
                LogCluster(happened.Cluster, happened.Reason, happened.Cause);
                break;
            case SyncEventKind.StatusFailed:
                LogStatus(happened.Content, happened.Reason);
                break;
            case SyncEventKind.WatchRefused:
                LogRefused(happened.Reason);
                break;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The RegistryContent {Content} is resolved; entries: {Count}")]
    private partial void LogResolved(ContentKey? content, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The source of the RegistryContent {Content} can't be used: {Reason}")]
    private partial void LogSource(ContentKey? content, string? reason, Exception? exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The registry of {Cluster} could not be brought in sync: {Reason}")]
    private partial void LogCluster(ClusterKey? cluster, string? reason, Exception? exception);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "The status of the RegistryContent {Content} can't be written; it will be retried: {Reason}")]
    private partial void LogStatus(ContentKey? content, string? reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The management API server refuses a watch; it will be retried: {Reason}")]
    private partial void LogRefused(string? reason);
}
