using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>
/// One watch: the events after a revision, as this client's selector sees them, a bookmark now and then, and an ERROR event with a 410
/// Status
/// when history has been compacted past where the watch stands.
/// </summary>
internal sealed class WatchStream(
    ObjectStore store, RequestTarget target, ObjectSelector selector, WatchOptions options, TimeProvider time)
{
    private readonly ServedResource _resource = target.Resource!;

    // A real server sends one about every minute; a test should not wait that long.
    private static readonly TimeSpan BookmarkPeriod = TimeSpan.FromSeconds(1);

    private long _position;
    private long _bookmarked;

    public async Task RunAsync(HttpContext context, CancellationToken stopping)
    {
        using var deadline = new CancellationTokenSource(options.Timeout, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, stopping, context.RequestAborted);
        try
        {
            await context.Response.StartAsync(end.Token);
            await StartAsync(context, end.Token);
            while (await FollowAsync(context, end.Token))
            {
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            if (options.Bookmarks) await BookmarkAsync(context, context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            context.Abort();
        }
    }

    private async Task StartAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var snapshot = store.Current;
        _position = options.Revision ?? snapshot.Revision;
        if (options.Revision is null)
            foreach (var value in snapshot.Of(_resource.Resource).Values.Where(selector.Matches))
                await SendAsync(context, "ADDED", Shown(value), cancellationToken);
        await context.Response.Body.FlushAsync(cancellationToken);
    }

    /// <summary>Sends what is new and waits for more; false when the watch is over.</summary>
    private async Task<bool> FollowAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var (events, revision, changed) = store.EventsAfter(_position);
        if (events is null)
        {
            var error = ApiError.Expired(
                $"too old resource version: {_position} ({store.Current.Revision})");
            await SendAsync(context, "ERROR", error.ToStatus(), cancellationToken);
            await context.Response.Body.FlushAsync(cancellationToken);
            return false;
        }

        foreach (var entry in events)
            if (Seen(entry) is var (kind, value)) await SendAsync(context, kind, Shown(value), cancellationToken);
        _position = revision;
        if (events.Count > 0) await context.Response.Body.FlushAsync(cancellationToken);
        await WaitAsync(context, changed, cancellationToken);
        return true;
    }

    private async Task WaitAsync(HttpContext context, Task changed, CancellationToken cancellationToken)
    {
        if (!options.Bookmarks || _bookmarked == _position)
        {
            await changed.WaitAsync(cancellationToken);
            return;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pause = Task.Delay(BookmarkPeriod, time, stop.Token);
        if (await Task.WhenAny(changed, pause) == pause)
        {
            await pause;
            await BookmarkAsync(context, cancellationToken);
        }

        await stop.CancelAsync();
    }

    private async Task BookmarkAsync(HttpContext context, CancellationToken cancellationToken)
    {
        _bookmarked = _position;
        await SendAsync(context, "BOOKMARK", new JsonObject
        {
            ["kind"] = target.MetadataOnly ? "PartialObjectMetadata" : _resource.Version.Kind,
            ["apiVersion"] = target.MetadataOnly ? "meta.k8s.io/v1" : _resource.Version.GroupVersion,
            ["metadata"] = new JsonObject { ["resourceVersion"] = _position.ToString(CultureInfo.InvariantCulture),
            ["creationTimestamp"] = null },
        }, cancellationToken);
        await context.Response.Body.FlushAsync(cancellationToken);
    }

    // An object that starts or stops matching the selector is added or deleted as far as this client is concerned.
    private (string Kind, StoredObject Value)? Seen(StoreEvent entry) =>
        (selector.Matches(entry.Before), selector.Matches(entry.After)) switch
    {
        (false, true) => ("ADDED", entry.After!),
        (true, true) => ("MODIFIED", entry.After!),
        (true, false) => ("DELETED",
            entry.After is null ? entry.Before! : new StoredObject(entry.Before!.Resource, entry.Before.ToJson(), entry.Revision)),
        _ => null,
    };

    private JsonObject Shown(StoredObject value)
    {
        var shown = ApiJson.Read(value, _resource.Version);
        return target.MetadataOnly ? ApiJson.Header(shown) : shown;
    }

    private static async Task SendAsync(HttpContext context, string kind, JsonObject value, CancellationToken cancellationToken)
    {
        var line = ApiJson.Bytes(new JsonObject { ["type"] = kind, ["object"] = value });
        await context.Response.Body.WriteAsync(line, cancellationToken);
        await context.Response.Body.WriteAsync("\n"u8.ToArray(), cancellationToken);
    }
}
