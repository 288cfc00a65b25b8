using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace CapiRegistryHook.Kubernetes.Forwarding;

/// <summary>
/// The frames of SPDY/3.1 that a port-forward sends (https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/, section 2). It
/// uses two streams: one for what goes wrong at the node, one for data.
/// </summary>
internal static class SpdyFrames
{
    public const int HeadSize = 8;
    public const uint ErrorStream = 1;
    public const uint DataStream = 3;
    public const byte Final = 0x01;
    public const ushort Version = 3;
    public const ushort Reset = 3;
    public const uint ControlBit = 0x8000_0000;
    public const int LengthMask = 0x00ff_ffff;

    private const ushort OpenStream = 1;
    private const ushort Ping = 6;

    /// <summary>
    /// How the one compressed stream begins that all headers are in: zlib with a preset dictionary, whose checksum follows. What is not
    /// compressed needs no dictionary.
    /// </summary>
    private static readonly byte[] CompressionStart = [0x78, 0x20, 0xe3, 0xc6, 0xa7, 0xc2];

    /// <summary>An empty stored block, which makes the other side hand on what came before it.</summary>
    private static readonly byte[] CompressionFlush = [0x00, 0x00, 0x00, 0xff, 0xff];

    /// <summary>Opens both streams, and ends this side of the one for errors.</summary>
    public static byte[] Open(int port)
    {
        var text = port.ToString(CultureInfo.InvariantCulture);
        var end = new byte[HeadSize];
        WriteDataHead(end, ErrorStream, 0, Final);
        return [.. Stream(ErrorStream, "error", text, CompressionStart), .. end, .. Stream(DataStream, "data", text, [])];
    }

    public static void WriteDataHead(Span<byte> head, uint stream, int length, byte flags = 0)
    {
        BinaryPrimitives.WriteUInt32BigEndian(head, stream);
        BinaryPrimitives.WriteUInt32BigEndian(head[4..], (uint)length | (uint)flags << 24);
    }

    /// <summary>Asks for an echo. The numbers of clients are odd.</summary>
    public static byte[] Echo(uint number)
    {
        var frame = new byte[HeadSize + sizeof(uint)];
        WriteControlHead(frame, Ping, sizeof(uint));
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(HeadSize), number);
        return frame;
    }

    private static byte[] Stream(uint stream, string type, string port, byte[] compressionStart)
    {
        // Both streams of one connection have the same number.
        var headers = Headers(("streamtype", type), ("port", port), ("requestid", "0"));
        byte[] compressed = [.. compressionStart, .. Stored(headers), .. CompressionFlush];
        // The stream, none that it belongs to, and a priority and a slot of 0.
        var frame = new byte[HeadSize + 10 + compressed.Length];
        WriteControlHead(frame, OpenStream, frame.Length - HeadSize);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(HeadSize), stream);
        compressed.CopyTo(frame, HeadSize + 10);
        return frame;
    }

    private static byte[] Headers(params (string Name, string Value)[] headers)
    {
        using var block = new MemoryStream();
        block.Write(BigEndian(headers.Length));
        foreach (var text in headers.SelectMany(header => new[] { header.Name, header.Value }))
        {
            block.Write(BigEndian(text.Length));
            block.Write(Encoding.ASCII.GetBytes(text));
        }

        return block.ToArray();
    }

    // A block of deflate that is not compressed (RFC 1951, section 3.2.4).
    private static byte[] Stored(byte[] content)
    {
        var head = new byte[5];
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(1), (ushort)content.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(3), (ushort)~content.Length);
        return [.. head, .. content];
    }

    private static void WriteControlHead(Span<byte> head, ushort type, int length)
    {
        BinaryPrimitives.WriteUInt32BigEndian(head, ControlBit | (uint)Version << 16 | type);
        BinaryPrimitives.WriteUInt32BigEndian(head[4..], (uint)length);
    }

    private static byte[] BigEndian(int value)
    {
        var bytes = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }
}
