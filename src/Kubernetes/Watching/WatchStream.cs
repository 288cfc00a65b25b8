using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json.Serialization.Metadata;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Kubernetes.Watching;

/// <summary>An open watch, line by line.</summary>
internal sealed class WatchStream<T> : IDisposable
    where T : IKubernetesObject
{
    private readonly HttpResponseMessage _response;
    private readonly PipeReader _reader;
    private readonly JsonTypeInfo<T> _json;
    private readonly KubernetesClientOptions _options;
    private readonly CancellationTokenSource _idle;
    private readonly CancellationTokenSource _either;
    private readonly CancellationToken _cancellationToken;
    private readonly string _resource;

    private WatchStream(
        HttpResponseMessage response, Stream stream, JsonTypeInfo<T> json, KubernetesClientOptions options, TimeProvider time,
        string resource, CancellationToken cancellationToken)
    {
        _response = response;
        _json = json;
        _options = options;
        _resource = resource;
        _cancellationToken = cancellationToken;
        _idle = new CancellationTokenSource(options.WatchIdleTimeout, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_idle.Token, cancellationToken);
        _reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024));
    }

    public static async Task<WatchStream<T>> OpenAsync(
        ApiTransport transport, ApiRequest request, JsonTypeInfo<T> json, KubernetesClientOptions options, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var response = await transport.OpenAsync(request, cancellationToken);
        // The stream is there already; a cancellation here would only leave the answer to nobody.
        return new WatchStream<T>(
            response, await response.Content.ReadAsStreamAsync(CancellationToken.None), json, options, time, request.Resource,
            cancellationToken);
    }

    /// <summary>The next line; null when the server ended the stream or has been silent for too long.</summary>
    public async Task<WatchFrame<T>?> ReadAsync()
    {
        // Only the server's silence counts, not the time the consumer takes between two lines.
        _idle.CancelAfter(_options.WatchIdleTimeout);
        try
        {
            while (true)
            {
                var read = await _reader.ReadAsync(_either.Token);
                if (TryTakeLine(read.Buffer) is { } frame)
                    return frame;
                if (read.IsCompleted)
                    return null;
                _idle.CancelAfter(_options.WatchIdleTimeout);
            }
        }
        catch (OperationCanceledException) when (_idle.IsCancellationRequested && !_cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception exception) when (AnswerReader.IsNotJson(exception))
        {
            throw new KubernetesApiException(
                KubernetesFault.BadResponse, _resource, "a line of the watch is not valid JSON of this kind");
        }
        catch (Exception exception)
            when (ApiTransport.Translate(_resource, exception, default, default, _cancellationToken) is { } translated)
        {
            throw translated;
        }
        finally
        {
            _idle.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        _reader.Complete();
        _response.Dispose();
        _either.Dispose();
        _idle.Dispose();
    }

    private WatchFrame<T>? TryTakeLine(ReadOnlySequence<byte> buffer)
    {
        SequenceReader<byte> lines = new(buffer);
        if (!lines.TryReadTo(out ReadOnlySequence<byte> line, (byte)'\n'))
        {
            _reader.AdvanceTo(buffer.Start, buffer.End);
            return buffer.Length <= _options.MaxResponseBytes ? null : throw ApiExceptions.TooLarge(_resource);
        }

        // Read before the bytes go back to the pipe.
        var frame = WatchFrame<T>.Read(line, _json, _resource);
        _reader.AdvanceTo(lines.Position);
        return frame;
    }
}
