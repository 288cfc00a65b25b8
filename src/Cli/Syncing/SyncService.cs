using CapiRegistryHook.Delivery.Syncing;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Cli.Syncing;

/// <summary>Syncs while this replica holds the Lease, so that there is one writer.</summary>
internal sealed partial class SyncService : BackgroundService
{
    private readonly string _identity = $"{Environment.MachineName}_{Guid.NewGuid():N}";
    private readonly ContentFleet _fleet;
    private readonly SyncOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<SyncService> _logger;
    private readonly Syncer _syncer;

    public SyncService(
        ContentFleet fleet, ClusterRegistryDirectory directory, SyncOptions options, TimeProvider time, ILogger<SyncService> logger)
    {
        (_fleet, _options, _time, _logger) = (fleet, options, time, logger);
        _syncer = new Syncer(fleet, directory, options, time) { OnEvent = Log };
    }

    /// <summary>What the syncer counts.</summary>
    public SyncStatistics Statistics => _syncer.Statistics;

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var leadership = new Leadership(_fleet.CreateLease(_identity, _options.Lease), _options.Lease, _time)
        {
            OnProblem = LogNoLease, OnLost = LogLost, OnBroken = LogBroken,
        };
        return leadership.RunAsync(token =>
        {
            LogLeading(_identity);
            return _syncer.RunAsync(token);
        }, stoppingToken);
    }

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

    [LoggerMessage(Level = LogLevel.Information, Message = "This replica syncs now, as {Identity}")]
    private partial void LogLeading(string identity);

    [LoggerMessage(Level = LogLevel.Error, Message = "The syncer met an unexpected fault and starts again")]
    private partial void LogBroken(Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The Lease is lost; this replica no longer syncs")]
    private partial void LogLost();

    [LoggerMessage(Level = LogLevel.Warning, Message = "The Lease can't be requested: {Problem}")]
    private partial void LogNoLease(string problem);

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
