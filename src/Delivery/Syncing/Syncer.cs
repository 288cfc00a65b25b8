using CapiRegistryHook.Delivery.Clusters;
using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Delivery.Syncing;

/// <summary>
/// Keeps the registries of clusters in sync with what RegistryContents declare. All that it knows is in objects and registries, so it may
/// end at any moment, and another one goes on.
/// </summary>
/// <param name="fleet">The management cluster; not disposed here.</param>
/// <param name="directory">Where the registries of clusters are found; not disposed here.</param>
/// <param name="options">How.</param>
/// <param name="time">The clock.</param>
public sealed class Syncer(ContentFleet fleet, ClusterRegistryDirectory directory, SyncOptions options, TimeProvider time)
{
    private const int ChunkSize = 1 << 20;

    /// <summary>Many thousand entries over a slow line; a source that takes longer is tried again later.</summary>
    private static readonly TimeSpan LongestResolution = TimeSpan.FromMinutes(30);

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    private readonly SteadyTime _steady = new(time);

    /// <summary>What it counts.</summary>
    public SyncStatistics Statistics { get; } = new();

    /// <summary>Told of everything that people may want to read in a log, from several threads; null for nobody.</summary>
    public Action<SyncEvent>? OnEvent { get; init; }

    /// <summary>Works until it is cancelled, and returns or throws only once nothing is under way.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var model = new SyncModel(options, fleet.SharedNamespaces, time);
        var queue = new SyncQueue(options.Workers, _steady);
        Statistics.Lead(() => new SyncFigures(queue.Depth, queue.Running, model.ReadFigures()));
        try
        {
            using var together = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Task[] all = [.. fleet.Places.Select(place => WatchContentsAsync(model, queue, place, together.Token)),
                .. fleet.Places.Select(place => WatchClustersAsync(model, queue, place, together.Token)),
                ResolveAsync(model, queue, together.Token), WorkAsync(model, queue, together.Token), ReportAsync(model, together.Token)];
            await Task.WhenAny(all);
            await together.CancelAsync();
            await Task.WhenAll(all);
        }
        finally
        {
            Statistics.Lead(null);
        }
    }

    private async Task WatchContentsAsync(SyncModel model, SyncQueue queue, string? @namespace, CancellationToken cancellationToken)
    {
        await foreach (var change in fleet.WatchContentsAsync(@namespace, cancellationToken))
        {
            switch (change.Kind)
            {
                case FleetEventKind.Seen:
                    if (model.See(change.Value!))
                        Enqueue(model, queue, change.Key);
                    break;
                case FleetEventKind.Gone:
                    model.Forget(change.Key);
                    break;
                case FleetEventKind.Listed:
                    model.Retain(@namespace, change.Listed);
                    break;
                case FleetEventKind.Refused:
                    OnEvent?.Invoke(new SyncEvent(SyncEventKind.WatchRefused) { Reason = change.Problem });
                    break;
            }
        }
    }

    private async Task WatchClustersAsync(SyncModel model, SyncQueue queue, string? @namespace, CancellationToken cancellationToken)
    {
        await foreach (var change in fleet.WatchClustersAsync(@namespace, cancellationToken))
        {
            switch (change.Kind)
            {
                case FleetEventKind.Seen:
                    if (model.See(change.Value!) is { IsDue: true } seen)
                        queue.Enqueue(change.Key, _steady.GetUtcNow(), seen.IsUrgent);
                    break;
                case FleetEventKind.Gone:
                    Forget(model, queue, [change.Key]);
                    break;
                case FleetEventKind.Listed:
                    Forget(model, queue, model.Retain(@namespace, change.Listed));
                    break;
                case FleetEventKind.Refused:
                    OnEvent?.Invoke(new SyncEvent(SyncEventKind.WatchRefused) { Reason = change.Problem });
                    break;
            }
        }
    }

    private static void Forget(SyncModel model, SyncQueue queue, IReadOnlyList<ClusterKey> clusters)
    {
        foreach (var cluster in clusters)
        {
            model.Forget(cluster);
            queue.Forget(cluster);
        }
    }

    private void Enqueue(SyncModel model, SyncQueue queue, ContentKey content)
    {
        foreach (var cluster in model.ClustersOf(content))
            queue.Enqueue(cluster, _steady.GetUtcNow());
    }

    private async Task ResolveAsync(SyncModel model, SyncQueue queue, CancellationToken cancellationToken)
    {
        var resolver = new ContentResolver(fleet, options.Bundles, new AddressPolicy(options.AllowedSourceNetworks), time);
        var running = new List<Task>();
        try
        {
            while (true)
            {
                running.RemoveAll(task => task.IsCompleted);
                foreach (var (content, former) in model.TakeUnresolved(ResolverPlaces.MostInAll - running.Count))
                    running.Add(ResolveAsync(resolver, model, queue, content, former, cancellationToken));
                await Task.Delay(Tick, time, cancellationToken);
            }
        }
        finally
        {
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ResolveAsync(ContentResolver resolver, SyncModel model, SyncQueue queue, RegistryContent content,
        ResolvedContent? former, CancellationToken cancellationToken)
    {
        using var held = former;
        try
        {
            var resolved = await ResolveAsync(resolver, content, former, cancellationToken);
            var count = resolved.Entries.Count;
            if (model.Resolve(content, resolved, problem: null, isFormer: ReferenceEquals(resolved, former),
                onOther: cluster => queue.Enqueue(cluster, _steady.GetUtcNow())))
                OnEvent?.Invoke(new SyncEvent(SyncEventKind.Resolved) { Content = content.Key, Count = count });
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            var problem = Explain(exception);
            model.Resolve(content, resolved: null, problem, isFormer: false);
            OnEvent?.Invoke(new SyncEvent(SyncEventKind.SourceFailed)
            {
                Content = content.Key, Reason = problem, Cause = Fault.Is(exception) ? null : exception,
            });
        }
    }

    private async Task<ResolvedContent> ResolveAsync(
        ContentResolver resolver, RegistryContent content, ResolvedContent? former, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(LongestResolution, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await resolver.ResolveAsync(content, former, either.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DeliveryException(
                $"The source has not answered for everything within {LongestResolution.TotalMinutes:0} minutes.", exception);
        }
    }

    private async Task WorkAsync(SyncModel model, SyncQueue queue, CancellationToken cancellationToken)
    {
        var sync = new ClusterSync(Targets(), model, queue, options, Statistics, time);
        var running = new HashSet<Task>();
        try
        {
            while (true)
            {
                var cluster = await queue.TakeAsync(cancellationToken);
                running.RemoveWhere(task => task.IsCompleted);
                running.Add(Task.Run(() => WorkAsync(sync, queue, cluster, cancellationToken), CancellationToken.None));
            }
        }
        finally
        {
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task WorkAsync(ClusterSync sync, SyncQueue queue, ClusterKey cluster, CancellationToken cancellationToken)
    {
        var outcome = SyncOutcome.Failed;
        try
        {
            (outcome, var reason) = await sync.RunAsync(cluster, cancellationToken);
            if (reason is not null)
                OnEvent?.Invoke(new SyncEvent(SyncEventKind.ClusterFailed) { Cluster = cluster, Reason = reason });
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Another one goes on.
        }
        catch (Exception exception)
        {
            OnEvent?.Invoke(new SyncEvent(SyncEventKind.ClusterFailed)
            {
                Cluster = cluster, Reason = "An unexpected fault.", Cause = exception,
            });
        }
        finally
        {
            Statistics.End(outcome);
            queue.Done(cluster, outcome, _steady.GetUtcNow() + (options.Interval * (0.9 + (0.2 * Random.Shared.NextDouble()))));
        }
    }

    private async Task ReportAsync(SyncModel model, CancellationToken cancellationToken)
    {
        while (true)
        {
            foreach (var (content, status) in model.TakeStatuses())
            {
                try
                {
                    await fleet.WriteStatusAsync(content.Key, status, cancellationToken);
                }
                catch (KubernetesApiException exception)
                {
                    model.Retry(content.Key);
                    OnEvent?.Invoke(new SyncEvent(SyncEventKind.StatusFailed) { Content = content.Key, Reason = exception.Message });
                }
            }

            await Task.Delay(Tick, time, cancellationToken);
        }
    }

    private ClusterTargets Targets()
    {
        var total = new BandwidthLimit(options.TotalBandwidth, time);
        var each = new System.Collections.Concurrent.ConcurrentDictionary<ClusterKey, BandwidthLimit>();
        var isLimited = options.TotalBandwidth > 0 || options.ClusterBandwidth > 0;
        return new ClusterTargets(directory, new TargetLogins(given: null, new NoLogins()), time)
        {
            ChunkSize = ChunkSize,
            Limit = !isLimited ? null : (cluster, stream) => new LimitedStream(stream,
                [each.GetOrAdd(cluster, _ => new BandwidthLimit(options.ClusterBandwidth, time)), total]),
        };
    }

    private static string Explain(Exception exception) => exception switch
    {
        KubernetesApiException failure => $"The management API server can't be asked: {failure.Message}.",
        _ when Fault.Is(exception) => Fault.Describe(exception),
        _ => "The source met an unexpected fault; the log has it.",
    };
}

/// <summary>Something that people may want to read in a log.</summary>
/// <param name="Kind">What.</param>
public sealed record SyncEvent(SyncEventKind Kind)
{
    /// <summary>The RegistryContent that it is about; null for none.</summary>
    public ContentKey? Content { get; init; }

    /// <summary>The Cluster that it is about; null for none.</summary>
    public ClusterKey? Cluster { get; init; }

    /// <summary>How many entries were resolved.</summary>
    public int Count { get; init; }

    /// <summary>Why it failed, as one sentence; null when it did not.</summary>
    public string? Reason { get; init; }

    /// <summary>An unexpected fault; null for the expected ones.</summary>
    public Exception? Cause { get; init; }
}

/// <summary>The kinds of <see cref="SyncEvent"/>.</summary>
public enum SyncEventKind
{
    /// <summary>A source answered with other content than before.</summary>
    Resolved,

    /// <summary>A source or a lock can't be used.</summary>
    SourceFailed,

    /// <summary>A registry could not be brought in sync.</summary>
    ClusterFailed,

    /// <summary>A status could not be written.</summary>
    StatusFailed,

    /// <summary>The API server refuses a watch; it is retried after a pause.</summary>
    WatchRefused,
}
