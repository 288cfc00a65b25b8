using System.Runtime.CompilerServices;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Kubernetes.Watching;

/// <summary>List and watch, for ever. One object per enumeration; its fields are where that enumeration is.</summary>
internal sealed class ResourceWatch<T>(
    Func<CancellationToken, IAsyncEnumerable<ListPage<T>>> listPages, ApiTransport transport, ResourceType<T> type, ListOptions options,
    KubernetesClientOptions limits, TimeProvider time)
    where T : IKubernetesObject
{
    /// <summary>
    /// A watch that brought nothing for so long, not even a bookmark, begins with a list. An API server whose etcd was restored from a
    /// backup counts on from there, and is silent to whoever waits for a later version.
    /// </summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromMinutes(30);

    private readonly WatchBackoff _backoff = new(limits, time);

    /// <summary>When the server last sent a list, a change or a bookmark.</summary>
    private long _heardAt;

    /// <summary>Where the next watch begins; null asks for a list first.</summary>
    private string? _position;

    /// <summary>What ended the last list or stream; null when it was not a failure.</summary>
    private KubernetesApiException? _failure;

    public async IAsyncEnumerable<WatchEvent<T>> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            var start = time.GetTimestamp();
            _failure = null;
            var phase = _position is null ? ListAsync(cancellationToken) : FollowAsync(_position, cancellationToken);
            var listed = _position is null;
            await foreach (var change in phase)
                yield return change;
            // An object too large for a line of the watch can only be passed by a list, which leaves it out.
            if (_failure is { Fault: KubernetesFault.Gone } or { IsTooLarge: true } || time.GetElapsedTime(_heardAt) >= LongestSilence)
                _position = null;
            if (!listed || _failure is not null)
                await _backoff.PauseAsync(_failure, time.GetElapsedTime(start), cancellationToken);
        }
    }

    private async IAsyncEnumerable<WatchEvent<T>> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? version = null;
        await using var pages =
            listPages(cancellationToken).GetAsyncEnumerator(cancellationToken);
        for (var first = true; await TryAsync(() => pages.MoveNextAsync().AsTask()); first = false)
        {
            if (first)
                yield return new WatchEvent<T>(WatchEventKind.Reset, default);
            foreach (var item in pages.Current.Items)
                yield return new WatchEvent<T>(WatchEventKind.Added, item);
            version = pages.Current.ResourceVersion;
            _heardAt = time.GetTimestamp();
        }

        if (_failure is not null)
            yield break;
        if (string.IsNullOrEmpty(version))
        {
            _failure = new KubernetesApiException(
                KubernetesFault.BadResponse, type.ToString(), "the list has no resourceVersion to watch from");
            yield break;
        }

        yield return new WatchEvent<T>(WatchEventKind.Synced, default);
        _position = version;
    }

    private async IAsyncEnumerable<WatchEvent<T>> FollowAsync(string from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Four to eight minutes, so that watches which began together do not end together.
        var length = TimeSpan.FromMinutes(4 + (4 * Random.Shared.NextDouble()));
        var opened = await TryAsync<WatchStream<T>?>(async () => await WatchStream<T>.OpenAsync(
            transport, CallFactory.Watch(type, options, from, length), type.Json, limits, time, cancellationToken));
        if (opened is null)
            yield break;
        using var stream = opened;
        while (await TryAsync(stream.ReadAsync) is { } frame)
        {
            _backoff.Progress();
            _heardAt = time.GetTimestamp();
            if (frame.Kind is { } kind)
                yield return new WatchEvent<T>(kind, frame.Value);
            // After the consumer has seen it: what is interrupted before that comes again.
            if (!string.IsNullOrEmpty(frame.ResourceVersion))
                _position = frame.ResourceVersion;
        }
    }

    // An iterator can't yield inside a try with a catch, so a failure is put aside and ends the phase.
    private async Task<TResult?> TryAsync<TResult>(Func<Task<TResult>> step)
    {
        try
        {
            return await step();
        }
        catch (KubernetesApiException thrown)
        {
            _failure = thrown;
            return default;
        }
    }
}
