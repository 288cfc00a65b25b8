using System.Runtime.CompilerServices;

namespace CapiRegistryHook.Kubernetes;

/// <summary>List and watch, for ever. One object per enumeration; its fields are where that enumeration is.</summary>
internal sealed class ResourceWatch<T>(
    KubernetesClient client, ApiTransport transport, ResourceType<T> type, ListOptions options, KubernetesClientOptions limits, TimeProvider time)
    where T : IKubernetesObject
{
    private readonly WatchPacer pacer = new(limits, time);

    /// <summary>Where the next watch begins; null asks for a list first.</summary>
    private string? position;

    /// <summary>What ended the last list or stream; null when it was no failure.</summary>
    private KubernetesApiException? failure;

    public async IAsyncEnumerable<WatchEvent<T>> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            long start = time.GetTimestamp();
            failure = null;
            IAsyncEnumerable<WatchEvent<T>> phase = position is null ? ListAsync(cancellationToken) : FollowAsync(position, cancellationToken);
            bool listed = position is null;
            await foreach (WatchEvent<T> change in phase)
                yield return change;
            if (failure?.Fault == KubernetesFault.Gone)
                position = null;
            if (!listed || failure is not null)
                await pacer.PauseAsync(failure, time.GetElapsedTime(start), cancellationToken);
        }
    }

    private async IAsyncEnumerable<WatchEvent<T>> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? version = null;
        await using IAsyncEnumerator<ListPage<T>> pages =
            client.ListPagesAsync(type, options, restarts: 0, cancellationToken).GetAsyncEnumerator(cancellationToken);
        for (bool first = true; await TryAsync(() => pages.MoveNextAsync().AsTask()); first = false)
        {
            if (first)
                yield return new WatchEvent<T>(WatchEventKind.Reset, default);
            foreach (T item in pages.Current.Items)
                yield return new WatchEvent<T>(WatchEventKind.Added, item);
            version = pages.Current.ResourceVersion;
        }

        if (failure is not null)
            yield break;
        if (string.IsNullOrEmpty(version))
        {
            failure = new KubernetesApiException(KubernetesFault.BadResponse, type.ToString(), "the list has no resourceVersion to watch from");
            yield break;
        }

        yield return new WatchEvent<T>(WatchEventKind.Synced, default);
        position = version;
    }

    private async IAsyncEnumerable<WatchEvent<T>> FollowAsync(string from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Four to eight minutes, so that watches which began together do not end together.
        TimeSpan length = TimeSpan.FromMinutes(4 + (4 * Random.Shared.NextDouble()));
        WatchStream<T>? opened = await TryAsync<WatchStream<T>?>(async () => await WatchStream<T>.OpenAsync(
            transport, CallFactory.Watch(type, options, from, length), type.Json, limits, time, cancellationToken));
        if (opened is null)
            yield break;
        using WatchStream<T> stream = opened;
        while (await TryAsync(stream.ReadAsync) is { } frame)
        {
            pacer.Progress();
            if (frame.Kind is { } kind)
                yield return new WatchEvent<T>(kind, frame.Value);
            // After the consumer has seen it: what is interrupted before that comes again.
            if (!string.IsNullOrEmpty(frame.ResourceVersion))
                position = frame.ResourceVersion;
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
            failure = thrown;
            return default;
        }
    }
}
