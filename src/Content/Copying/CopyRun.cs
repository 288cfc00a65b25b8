using System.Collections.Concurrent;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Copying;

/// <summary>Does what plans say, one after the other: each item ends as soon as its own blobs are there, whatever the others of its plan
/// do.</summary>
internal sealed class CopyRun : IDisposable
{
    /// <summary>More places of blobs are not kept; what is not known is sent again instead of mounted.</summary>
    private const int MostPlaces = 50_000;

    private readonly RegistryClient _target;
    private readonly ConcurrentDictionary<string, string> _failures = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Digest, string> _places = [];
    private readonly TransferMeter _meter;
    private readonly SemaphoreSlim _workers;
    private readonly ManifestPush _push;
    private int _sent;
    private int _mounted;
    private int _skipped;

    public CopyRun(RegistryClient target, CopyOptions options)
    {
        _target = target;
        _meter = new TransferMeter(options.Progress);
        _workers = new SemaphoreSlim(Math.Max(1, options.Workers));
        _push = new ManifestPush(target);
    }

    /// <summary>Why items failed, by label.</summary>
    public IReadOnlyDictionary<string, string> Failures => _failures;

    /// <summary>A repository of the registry that has a blob, by digest, as far as that was found out.</summary>
    public IReadOnlyDictionary<Digest, string> Places => _places;

    /// <summary>Copies, and returns the labels of what is complete.</summary>
    public async Task<IReadOnlyList<string>> CopyAsync(CopyPlan plan, CancellationToken cancellationToken)
    {
        foreach (var (label, reason) in plan.Failures)
            _failures.TryAdd(label, reason);
        CountBlobs(plan);
        var blobs = plan.Blobs.Values
            .Where(blob => blob.Missing.Count > 0).ToDictionary(blob => blob.Blob.Digest, blob => SendAsync(blob, cancellationToken));
        var copied = await Task.WhenAll(plan.Items.Select(item => FinishAsync(item, blobs, cancellationToken)));
        // Each has been waited for by an item, but for those whose items failed before.
        await Task.WhenAll(blobs.Values);
        return [.. plan.Items.Zip(copied).Where(pair => pair.Second).Select(pair => pair.First.Item.Label)];
    }

    public CopyReport Report(IReadOnlyList<string> copied, IReadOnlyList<CopyFailure> failures) =>
        new(_meter.Now.BytesSent, _sent, _mounted, _skipped, _push.Count, copied, failures);

    public void Dispose()
    {
        _workers.Dispose();
        _push.Dispose();
    }

    private void CountBlobs(CopyPlan plan)
    {
        foreach (var blob in plan.Blobs.Values)
        {
            if (blob.There is [var place, ..])
                Remember(blob, place);
            _meter.Plan(blob.There.Count + blob.Missing.Count, blob.Blob.Size * (blob.There.Count + blob.Missing.Count));
            _skipped += blob.There.Count;
            blob.There.ForEach(_ => _meter.Skipped(blob.Blob.Size));
        }
    }

    // Into one repository from the source, into the others from there.
    private async Task SendAsync(PlannedBlob blob, CancellationToken cancellationToken)
    {
        await _workers.WaitAsync(cancellationToken);
        try
        {
            var from = blob.There.FirstOrDefault() ?? blob.Elsewhere;
            foreach (var repository in blob.Missing)
            {
                if (await TrySendAsync(blob, repository, from, cancellationToken))
                    from ??= repository;
            }
        }
        finally
        {
            _workers.Release();
        }
    }

    private void Remember(PlannedBlob blob, string repository)
    {
        if (_places.Count < MostPlaces)
            _places.TryAdd(blob.Blob.Digest, repository);
    }

    private async Task<bool> TrySendAsync(PlannedBlob blob, string repository, string? from, CancellationToken cancellationToken)
    {
        var labels = blob.Wanted.Where(wanted => wanted.Repository == repository).Select(wanted => wanted.Item.Label).ToList();
        if (labels.TrueForAll(_failures.ContainsKey))
            return false;
        try
        {
            var source = blob.Source ?? new RegistrySource(_target, from!);
            var isMounted = await _target.UploadAsync(repository, blob.Blob, source, from, _meter.Sent, cancellationToken);
            Interlocked.Increment(ref isMounted ? ref _mounted : ref _sent);
            if (isMounted)
                _meter.Skipped(blob.Blob.Size);
            else
                _meter.Done();
            Remember(blob, repository);
            return true;
        }
        catch (Exception exception) when (exception is ContentException or IOException or HttpRequestException)
        {
            labels.ForEach(label => _failures.TryAdd(label, exception.Message));
            return false;
        }
    }

    private async Task<bool> FinishAsync(PlannedItem item, Dictionary<Digest, Task> blobs, CancellationToken cancellationToken)
    {
        await Task.WhenAll(item.Tree.Blobs.Select(blob => blobs.GetValueOrDefault(blob.Digest, Task.CompletedTask)));
        await _workers.WaitAsync(cancellationToken);
        try
        {
            if (_failures.ContainsKey(item.Item.Label))
                return false;
            await _push.PushAsync(item, cancellationToken);
            return true;
        }
        catch (Exception exception) when (exception is ContentException or IOException or HttpRequestException)
        {
            _failures.TryAdd(item.Item.Label, exception.Message);
            return false;
        }
        finally
        {
            _workers.Release();
        }
    }
}
