using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Threading.Channels;
using CapiRegistryHook.Dashboard.Model;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Dashboard.Reading;

/// <summary>
/// Keeps the fleet as it was read last, and tells the pages that are open when it has changed. It is read again when something was seen to
/// change, and from time to time; never while nobody looks.
/// </summary>
/// <param name="read">Reads the fleet.</param>
/// <param name="time">The clock.</param>
internal sealed class FleetFeed(Func<CancellationToken, Task<FleetPage>> read, TimeProvider time)
{
    /// <summary>A read of many Clusters takes a while and costs the API server something: it gets four times as long to rest.</summary>
    private const int Rest = 4;

    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(2);

    /// <summary>What no watch tells of: Events, and that time passes.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(1);
    private TaskCompletionSource _read = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private byte[]? _page;
    private byte[] _hash = [];
    private FleetSignal? _signal;
    private int _lookers;

    /// <summary>Something was seen to change.</summary>
    public void Touch() => _changes.Writer.TryWrite(true);

    /// <summary>The fleet as JSON, as it was read last; the first call waits for the first read.</summary>
    /// <exception cref="FleetStatusException">It could not be read yet.</exception>
    public async Task<byte[]> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task next;
            lock (_gate)
            {
                if (_page is { } page)
                    return page;
                if (_signal?.Problem is { } problem)
                    throw new FleetStatusException(problem, new InvalidOperationException(problem));
                next = _read.Task;
            }

            await next.WaitAsync(cancellationToken);
        }
    }

    /// <summary>What the last read found, and each later one. While somebody enumerates it, the fleet is read.</summary>
    public async IAsyncEnumerable<string> SignalsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _lookers);
        Touch();
        try
        {
            while (true)
            {
                FleetSignal? signal;
                Task next;
                lock (_gate)
                    (signal, next) = (_signal, _read.Task);
                if (signal is not null)
                    yield return JsonSerializer.Serialize(signal, DashboardJson.Default.FleetSignal);
                await next.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _lookers);
        }
    }

    /// <summary>Reads until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            // What changes from here on is for the next read.
            _changes.Reader.TryRead(out _);
            var started = time.GetTimestamp();
            await ReadOnceAsync(cancellationToken);
            var pause = time.GetElapsedTime(started) * Rest;
            await Task.Delay(pause > ShortestPause ? pause : ShortestPause, time, cancellationToken);
            do
                await WaitAsync(cancellationToken);
            while (Volatile.Read(ref _lookers) == 0);
        }
    }

    /// <summary>Until something changes or somebody comes to look, or for the longest pause.</summary>
    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pause = Task.Delay(LongestPause, time, either.Token);
        await Task.WhenAny(_changes.Reader.WaitToReadAsync(either.Token).AsTask(), pause);
        cancellationToken.ThrowIfCancellationRequested();
        await either.CancelAsync();
    }

    private async Task ReadOnceAsync(CancellationToken cancellationToken)
    {
        try
        {
            var page = await read(cancellationToken);
            var hash = SHA256.HashData(
                JsonSerializer.SerializeToUtf8Bytes(page with { ReadAt = default, Revision = 0 }, DashboardJson.Default.FleetPage));
            var revision = _signal?.Revision ?? 0;
            if (!hash.AsSpan().SequenceEqual(_hash))
                revision++;
            _hash = hash;
            Publish(new FleetSignal(revision, page.ReadAt, Problem: null),
                JsonSerializer.SerializeToUtf8Bytes(page with { Revision = revision }, DashboardJson.Default.FleetPage));
        }
        catch (Exception exception) when (exception is FleetStatusException || Fault.Is(exception))
        {
            var problem = exception is FleetStatusException ? exception.Message : Fault.Describe(exception);
            Publish(new FleetSignal(_signal?.Revision ?? 0, _signal?.ReadAt ?? default, problem), _page);
        }
    }

    private void Publish(FleetSignal signal, byte[]? page)
    {
        TaskCompletionSource read;
        lock (_gate)
        {
            (_signal, _page, read) = (signal, page, _read);
            _read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        read.SetResult();
    }
}
