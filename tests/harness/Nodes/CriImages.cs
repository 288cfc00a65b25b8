using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace CapiRegistryHook.Harness.Nodes;

/// <summary>
/// The images of a container runtime, asked for as the kubelet does: CRI v1, gRPC over a Unix socket. Of each message only what the tests
/// need is written and read.
/// </summary>
/// <param name="socket">The path of the socket.</param>
public sealed class CriImages(string socket)
{
    private const int GrpcHeader = 5; // not compressed, and the length of the message

    /// <summary>The field of every message that is used here: the image that is asked for, its name, and the image of an answer.</summary>
    private const int Image = 1;

    private const int RepoDigests = 3;

    /// <summary>Longer than a pull that finds all mirrors dead, with 30 s for each.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(4);

    /// <summary>True when images can be asked for: a moment after the runtime says that it has started.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await CallAsync("ImageStatus", "none", cancellationToken)).Error is null;
        }
        catch (HttpRequestException)
        {
            return false; // it does not listen yet
        }
    }

    /// <summary>Pulls an image as if it were not there.</summary>
    /// <param name="reference">Its full name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<CriPull> PullAsync(string reference, CancellationToken cancellationToken)
    {
        await CallAsync("RemoveImage", reference, cancellationToken);
        if ((await CallAsync("PullImage", reference, cancellationToken)).Error is { } error)
            return new CriPull(null, error);
        var status = await CallAsync("ImageStatus", reference, cancellationToken);
        var image = Fields(status.Message, Image).Single();
        // One for each name that the image was pulled by.
        var digests = Fields(image, RepoDigests).Select(bytes => Encoding.UTF8.GetString(bytes.Span).Split('@')[1]).Distinct();
        return new CriPull(digests.Single(), null);
    }

    private async Task<(ReadOnlyMemory<byte> Message, string? Error)> CallAsync(
        string method, string reference, CancellationToken cancellationToken)
    {
        using var client = new HttpClient(new SocketsHttpHandler { ConnectCallback = ConnectAsync, UseProxy = false }) { Timeout = Bound };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://localhost/runtime.v1.ImageService/{method}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(Framed(Field(Image, Field(Image, Encoding.UTF8.GetBytes(reference))))),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        using var response = await client.SendAsync(request, cancellationToken);
        var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        // Without a message the status is not in the trailers, but among the headers.
        var status = Value(response.TrailingHeaders, "grpc-status") ?? Value(response.Headers, "grpc-status");
        var message = Value(response.TrailingHeaders, "grpc-message") ?? Value(response.Headers, "grpc-message");
        return (body.AsMemory(Math.Min(GrpcHeader, body.Length)), status == "0" ? null : $"{status}: {message}");
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellationToken);
            return new NetworkStream(connection, ownsSocket: true);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static string? Value(HttpResponseHeaders headers, string name) =>
        headers.TryGetValues(name, out var values) ? values.First() : null;

    private static byte[] Framed(byte[] message)
    {
        var frame = new byte[GrpcHeader + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame.AsSpan(GrpcHeader));
        return frame;
    }

    /// <summary>A field of bytes, as Protocol Buffers write it.</summary>
    private static byte[] Field(int number, byte[] value)
    {
        var length = new List<byte>();
        for (var rest = (uint)value.Length; ; rest >>= 7)
        {
            length.Add((byte)(rest < 0x80 ? rest : rest & 0x7f | 0x80));
            if (rest < 0x80)
                return [(byte)(number << 3 | 2), .. length, .. value];
        }
    }

    /// <summary>The values of all fields of bytes with a number.</summary>
    private static List<ReadOnlyMemory<byte>> Fields(ReadOnlyMemory<byte> message, int number)
    {
        var values = new List<ReadOnlyMemory<byte>>();
        for (var at = 0; at < message.Length;)
        {
            var key = ReadNumber(message.Span, ref at);
            if ((key & 7) != 2)
            {
                Skip(message.Span, (int)(key & 7), ref at);
                continue;
            }

            var length = (int)ReadNumber(message.Span, ref at);
            if ((int)(key >> 3) == number)
                values.Add(message.Slice(at, length));
            at += length;
        }

        return values;
    }

    private static void Skip(ReadOnlySpan<byte> message, int kind, ref int at)
    {
        if (kind == 0)
            ReadNumber(message, ref at);
        else
            at += kind == 1 ? 8 : 4;
    }

    private static ulong ReadNumber(ReadOnlySpan<byte> message, ref int at)
    {
        var number = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            number |= (ulong)(message[at] & 0x7f) << shift;
            if (message[at++] < 0x80)
                return number;
        }
    }
}

/// <summary>How a pull ended.</summary>
/// <param name="Digest">The digest of the image's manifest; null when it can't be had.</param>
/// <param name="Error">The runtime's words when it can't be had.</param>
public sealed record CriPull(string? Digest, string? Error);
