using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Forwarding;

/// <summary>The node's side of a port-forward in SPDY/3.1, frame by frame.</summary>
internal sealed class SpdySide(Stream stream)
{
    public const int ErrorStream = 1;
    public const int DataStream = 3;
    public const int OpenStream = unchecked((int)0x8003_0001);
    public const int Reply = unchecked((int)0x8003_0002);
    public const int Reset = unchecked((int)0x8003_0003);
    public const int Ping = unchecked((int)0x8003_0006);
    public const byte Final = 1;

    public static async Task<SpdySide> AcceptAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.Upgrade = "SPDY/3.1";
        headers.Connection = "Upgrade";
        headers["X-Stream-Protocol-Version"] = "portforward.k8s.io";
        return new SpdySide(await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync());
    }

    /// <summary>Takes the frames that open the streams, and answers them.</summary>
    public async Task<IReadOnlyList<Frame>> OpenAsync()
    {
        List<Frame> frames = [(await ReadAsync())!, (await ReadAsync())!, (await ReadAsync())!];
        foreach (var open in new[] { ErrorStream, DataStream })
            await WriteAsync(Reply, [.. BigEndian(open), 0, 0, 0]);
        return frames;
    }

    public async Task WriteAsync(int start, byte[] content, byte flags = 0)
    {
        await stream.WriteAsync((byte[])[.. BigEndian(start), .. BigEndian(content.Length | flags << 24), .. content]);
        await stream.FlushAsync();
    }

    /// <summary>The next frame; null when the connection is over.</summary>
    public async Task<Frame?> ReadAsync()
    {
        try
        {
            var head = new byte[8];
            await stream.ReadExactlyAsync(head);
            var content = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4)) & 0xffffff];
            await stream.ReadExactlyAsync(content);
            return new Frame(BinaryPrimitives.ReadInt32BigEndian(head), head[4], content);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static byte[] BigEndian(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    /// <summary>A frame: its first word, which is the stream of data, its flags, and what is in it.</summary>
    internal sealed record Frame(int Start, byte Flags, byte[] Content);

    /// <summary>Reads the headers of the streams that were opened. All are in one compressed stream, which names a dictionary
    /// first.</summary>
    internal static IReadOnlyList<(int Stream, string Headers)> HeadersOf(IEnumerable<Frame> frames)
    {
        var opened = frames.Where(frame => frame.Start == OpenStream).ToList();
        using var compressed = new MemoryStream([.. opened.SelectMany(frame => frame.Content[10..]).Skip(6)]);
        using var plain = new DeflateStream(compressed, CompressionMode.Decompress);
        return [.. opened.Select(frame => (BinaryPrimitives.ReadInt32BigEndian(frame.Content), ReadHeaders(plain)))];
    }

    private static string ReadHeaders(Stream plain)
    {
        var count = ReadNumber(plain);
        return string.Join(' ', Enumerable.Range(0, count).Select(_ => $"{ReadText(plain)}={ReadText(plain)}"));
    }

    private static string ReadText(Stream plain)
    {
        var text = new byte[ReadNumber(plain)];
        plain.ReadExactly(text);
        return Encoding.ASCII.GetString(text);
    }

    private static int ReadNumber(Stream plain)
    {
        var bytes = new byte[4];
        plain.ReadExactly(bytes);
        return BinaryPrimitives.ReadInt32BigEndian(bytes);
    }
}
