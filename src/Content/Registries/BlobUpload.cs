using System.Net;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Registries;

/// <summary>
/// Sends one blob: mounted from another repository where that works, in one request where it is small, else in chunks. After a fault
/// between or in chunks the registry is asked how far it got; when it has lost the upload, the blob starts anew.
/// </summary>
internal sealed class BlobUpload(RegistryCalls calls, string repository, Descriptor blob)
{
    private readonly RegistryOptions _options = calls.Options;
    private readonly string _pushScope = $"repository:{repository}:pull,push";

    /// <summary>Sends it.</summary>
    /// <param name="source">Where it is read.</param>
    /// <param name="mountFrom">A repository of the same registry that has it; null for none.</param>
    /// <param name="sent">Gets the bytes that go out, resent ones too.</param>
    /// <param name="cancellationToken">Ends the upload.</param>
    /// <returns>True when nothing had to be sent.</returns>
    public async Task<bool> RunAsync(IContentSource source, string? mountFrom, Action<long> sent, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var session = default(Uri);
            try
            {
                session = await StartAsync(mountFrom, cancellationToken);
                if (session is null)
                    return true;
                await using var reader = new BlobReader(source, blob, _options.Retry, _options.Time);
                await SendAsync(reader, session, sent, cancellationToken);
                return false;
            }
            catch (Exception exception) when (RetryPolicy.IsTransient(exception) && attempt < _options.Retry.Attempts)
            {
                mountFrom = null;
                await Task.Delay(_options.Retry.DelayAfter(attempt), _options.Time, cancellationToken);
                if (await IsThereAsync(cancellationToken))
                    return false;
            }
            catch when (session is not null)
            {
                await AbandonAsync(session);
                throw;
            }
        }
    }

    private async Task<Uri?> StartAsync(string? mountFrom, CancellationToken cancellationToken)
    {
        var mount = mountFrom is null ? ""
            : $"?mount={Uri.EscapeDataString(blob.Digest.ToString())}&from={Uri.EscapeDataString(mountFrom)}";
        var target = new Uri($"v2/{repository}/blobs/uploads/{mount}", UriKind.Relative);
        var scope = mountFrom is null ? _pushScope : $"{_pushScope} repository:{mountFrom}:pull";
        using var response = await calls.SendAsync(new RegistryCall(HttpMethod.Post, target, scope) { Content = Nothing },
            cancellationToken);
        return response.StatusCode switch
        {
            HttpStatusCode.Created => null,
            HttpStatusCode.Accepted => calls.Own(response.Headers.Location, target),
            _ => throw await response.ToExceptionAsync($"take a blob for {repository}", _options, cancellationToken),
        };
    }

    private async Task SendAsync(BlobReader reader, Uri session, Action<long> sent, CancellationToken cancellationToken)
    {
        var buffer = new byte[Math.Min(Math.Clamp(_options.ChunkSize, 1 << 10, 256 << 20), blob.Size)];
        long offset = 0;
        while (true)
        {
            // The reader verifies the blob with its last bytes, so a corrupt one is never completed.
            var length = await reader.ReadAsync(buffer, cancellationToken);
            if (offset + length == blob.Size && offset == 0)
            {
                await FinishAsync(session, buffer.AsMemory(0, length), sent, cancellationToken);
                return;
            }

            if (length == 0)
                break;
            session = await SendChunkAsync(session, buffer.AsMemory(0, length), offset, sent, cancellationToken);
            offset += length;
        }

        await FinishAsync(session, default, sent, cancellationToken);
    }

    private async Task<Uri> SendChunkAsync(
        Uri session, ReadOnlyMemory<byte> chunk, long offset, Action<long> sent, CancellationToken cancellationToken)
    {
        var end = offset + chunk.Length;
        var start = offset;
        for (var attempt = 1; start < end; attempt++)
        {
            try
            {
                using var response = await PatchAsync(session, chunk[(int)(start - offset)..], start, sent, cancellationToken);
                if (response.StatusCode is HttpStatusCode.Accepted or HttpStatusCode.NoContent or HttpStatusCode.Created)
                    return calls.Own(response.Headers.Location ?? session, session);
                if (!RegistryAnswers.IsTransient((int)response.StatusCode)
                    && response.StatusCode != HttpStatusCode.RequestedRangeNotSatisfiable)
                    throw await LostAsync(response, cancellationToken);
            }
            catch (Exception exception) when (RetryPolicy.IsTransient(exception))
            {
                // The registry says below how much of it arrived.
            }

            await Task.Delay(_options.Retry.DelayAfter(attempt), _options.Time, cancellationToken);
            (session, start) = await StatusAsync(session, cancellationToken);
            if (start < offset || start > end || attempt >= _options.Retry.Attempts)
                throw new RegistryException(
                    $"{calls.Address.Authority} lost the upload of {blob.Digest} to {repository} at byte {offset}.") { IsTransient = true };
        }

        return session;
    }

    private Task<HttpResponseMessage> PatchAsync(
        Uri session, ReadOnlyMemory<byte> chunk, long start, Action<long> sent, CancellationToken cancellationToken)
    {
        HttpContent Body(ProgressDeadline deadline)
        {
            var content = new ChunkContent(chunk, deadline, sent);
            content.Headers.ContentType = new("application/octet-stream");
            content.Headers.TryAddWithoutValidation("Content-Range", $"{start}-{start + chunk.Length - 1}");
            return content;
        }

        return calls.SendAsync(new RegistryCall(HttpMethod.Patch, session, _pushScope) { Content = Body, Retries = false },
            cancellationToken);
    }

    private async Task<(Uri Session, long Next)> StatusAsync(Uri session, CancellationToken cancellationToken)
    {
        using var response = await calls.SendAsync(new RegistryCall(HttpMethod.Get, session, _pushScope), cancellationToken);
        if (response.StatusCode is not (HttpStatusCode.NoContent or HttpStatusCode.OK or HttpStatusCode.Accepted))
            throw await LostAsync(response, cancellationToken);
        return (calls.Own(response.Headers.Location ?? session, session), NextByte(response));
    }

    // "0-99" after 100 bytes. Distribution says "0-0" after none and after one, so one byte counts as none.
    private static long NextByte(HttpResponseMessage response)
    {
        var range = response.Headers.TryGetValues("Range", out var values) ? values.First() : "";
        var dash = range.IndexOf('-', StringComparison.Ordinal);
        return dash >= 0 && long.TryParse(range.AsSpan(dash + 1), System.Globalization.NumberStyles.None, null, out var last) && last > 0
            ? last + 1 : 0;
    }

    private async Task FinishAsync(Uri session, ReadOnlyMemory<byte> rest, Action<long> sent, CancellationToken cancellationToken)
    {
        HttpContent Body(ProgressDeadline deadline)
        {
            var content = new ChunkContent(rest, deadline, sent);
            content.Headers.ContentType = new("application/octet-stream");
            return content;
        }

        var query = $"{session.Query.TrimStart('?')}&digest={Uri.EscapeDataString(blob.Digest.ToString())}";
        var target = new UriBuilder(session) { Query = query.TrimStart('&') }.Uri;
        var call = new RegistryCall(HttpMethod.Put, target, _pushScope) { Content = Body, Retries = false };
        using var response = await calls.SendAsync(call, cancellationToken);
        if (response.StatusCode is not (HttpStatusCode.Created or HttpStatusCode.NoContent or HttpStatusCode.OK))
            throw await LostAsync(response, cancellationToken);
    }

    // What the registry says no to for good stays; a session that is gone or inconsistent is started anew.
    private async Task<RegistryException> LostAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var exception = await response.ToExceptionAsync($"take the blob {blob.Digest} for {repository}", _options, cancellationToken);
        var isLost = exception.IsTransient
            || response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.RequestedRangeNotSatisfiable
            || exception.Code is "BLOB_UPLOAD_INVALID" or "BLOB_UPLOAD_UNKNOWN" or "SIZE_INVALID";
        return new RegistryException(exception.Message, exception)
        {
            Status = exception.Status,
            Code = exception.Code,
            IsTransient = isLost,
        };
    }

    private async Task<bool> IsThereAsync(CancellationToken cancellationToken)
    {
        var target = new Uri($"v2/{repository}/blobs/{blob.Digest}", UriKind.Relative);
        using var response = await calls.SendAsync(new RegistryCall(HttpMethod.Head, target, _pushScope), cancellationToken);
        return response.StatusCode == HttpStatusCode.OK;
    }

    // Tidies up what will never be completed, if the registry can still be reached; it removes old uploads itself too.
    private async Task AbandonAsync(Uri session)
    {
        using var brief = new CancellationTokenSource(TimeSpan.FromSeconds(2), _options.Time);
        try
        {
            (await calls.SendAsync(new RegistryCall(HttpMethod.Delete, session, _pushScope) { Retries = false }, brief.Token)).Dispose();
        }
        catch (Exception exception) when (exception is OperationCanceledException or ContentException or HttpRequestException)
        {
            return;
        }
    }

    private static ByteArrayContent Nothing(ProgressDeadline deadline) => new([]);
}
