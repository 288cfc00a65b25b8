using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CapiRegistryHook.Kubernetes;

/// <summary>An open watch, line by line.</summary>
internal sealed class WatchStream<T> : IDisposable
    where T : IKubernetesObject
{
    private readonly HttpResponseMessage response;
    private readonly PipeReader reader;
    private readonly JsonTypeInfo<T> json;
    private readonly KubernetesClientOptions options;
    private readonly CancellationTokenSource idle;
    private readonly CancellationTokenSource either;
    private readonly CancellationToken cancellationToken;
    private readonly string resource;

    private WatchStream(
        HttpResponseMessage response, Stream stream, JsonTypeInfo<T> json, KubernetesClientOptions options, TimeProvider time, string resource, CancellationToken cancellationToken)
    {
        this.response = response;
        this.json = json;
        this.options = options;
        this.resource = resource;
        this.cancellationToken = cancellationToken;
        idle = new CancellationTokenSource(options.WatchIdleTimeout, time);
        either = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, cancellationToken);
        reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024));
    }

    public static async Task<WatchStream<T>> OpenAsync(
        ApiTransport transport, ApiRequest request, JsonTypeInfo<T> json, KubernetesClientOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await transport.OpenAsync(request, cancellationToken);
        // The stream is there already; a cancellation here would only leave the answer to nobody.
        return new WatchStream<T>(
            response, await response.Content.ReadAsStreamAsync(CancellationToken.None), json, options, time, request.Resource, cancellationToken);
    }

    /// <summary>The next line; null when the server ended the stream or has been silent for too long.</summary>
    public async Task<WatchFrame<T>?> ReadAsync()
    {
        // Only the server's silence counts, not the time the consumer takes between two lines.
        idle.CancelAfter(options.WatchIdleTimeout);
        try
        {
            while (true)
            {
                ReadResult read = await reader.ReadAsync(either.Token);
                if (TryTakeLine(read.Buffer) is { } frame)
                    return frame;
                if (read.IsCompleted)
                    return null;
                idle.CancelAfter(options.WatchIdleTimeout);
            }
        }
        catch (OperationCanceledException) when (idle.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        catch (JsonException)
        {
            throw new KubernetesApiException(KubernetesFault.BadResponse, resource, "a line of the watch is not the JSON of this kind");
        }
        catch (Exception exception) when (ApiTransport.Translate(resource, exception, default, default, cancellationToken) is { } translated)
        {
            throw translated;
        }
        finally
        {
            idle.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        reader.Complete();
        response.Dispose();
        either.Dispose();
        idle.Dispose();
    }

    private WatchFrame<T>? TryTakeLine(ReadOnlySequence<byte> buffer)
    {
        SequenceReader<byte> lines = new(buffer);
        if (!lines.TryReadTo(out ReadOnlySequence<byte> line, (byte)'\n'))
        {
            reader.AdvanceTo(buffer.Start, buffer.End);
            return buffer.Length <= options.MaxResponseBytes ? null : throw ConnectionFault.TooLarge(resource);
        }

        // Read before the bytes go back to the pipe.
        WatchFrame<T> frame = WatchFrame<T>.Read(line, json, resource);
        reader.AdvanceTo(lines.Position);
        return frame;
    }
}
