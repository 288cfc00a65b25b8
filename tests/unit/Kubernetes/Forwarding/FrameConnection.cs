using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Forwarding;

/// <summary>The server's side of a WebSocket, frame by frame (RFC 6455 section 5), for what a WebSocket class hides.</summary>
internal sealed class FrameConnection(Stream stream)
{
    public const byte Continuation = 0;
    public const byte Binary = 2;
    public const byte Ping = 9;
    public const byte Pong = 10;

    private const string Magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    public static async Task<FrameConnection> AcceptAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.Upgrade = "websocket";
        headers.Connection = "Upgrade";
        headers.SecWebSocketProtocol = NodeSide.Protocol;
#pragma warning disable CA5350 // The RFC says SHA-1.
        headers.SecWebSocketAccept = Convert.ToBase64String(
            SHA1.HashData(Encoding.ASCII.GetBytes(context.Request.Headers.SecWebSocketKey + Magic)));
#pragma warning restore CA5350
        return new FrameConnection(await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync());
    }

    /// <summary>Repeats the port on both channels, as the kubelet does first.</summary>
    public async Task OpenChannelsAsync()
    {
        await WriteAsync(Binary, [NodeSide.Data, 0x88, 0x13]);
        await WriteAsync(Binary, [NodeSide.Error, 0x88, 0x13]);
    }

    public async Task WriteAsync(byte opcode, byte[] payload, bool isLast = true)
    {
        byte[] head = [(byte)(opcode | (isLast ? 0x80 : 0)), (byte)payload.Length];
        await stream.WriteAsync((byte[])[.. head, .. payload]);
        await stream.FlushAsync();
    }

    /// <summary>The next frame; null when the connection is over.</summary>
    public async Task<(byte Opcode, byte[] Payload)?> ReadAsync()
    {
        try
        {
            var head = await TakeAsync(2);
            var length = (head[1] & 0x7f) switch
            {
                126 => BinaryPrimitives.ReadUInt16BigEndian(await TakeAsync(2)),
                127 => (int)BinaryPrimitives.ReadUInt64BigEndian(await TakeAsync(8)),
                var small => small,
            };
            var mask = await TakeAsync(4);
            var payload = await TakeAsync(length);
            for (var i = 0; i < length; i++)
                payload[i] ^= mask[i % 4];
            return ((byte)(head[0] & 0x0f), payload);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private async Task<byte[]> TakeAsync(int count)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes);
        return bytes;
    }
}
