using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Forwarding;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Forwarding;

/// <summary>Long and large transfers through port-forwards: messages, pings, several streams, the end.</summary>
public sealed class PodPortTransferTests
{
    private static readonly NamespacedName Pod = new("ns", "one");

    private static readonly KubernetesClientOptions Pinging =
        ClientFixture.Quick with
        {
            ForwardPingInterval = TimeSpan.FromMilliseconds(20),
        };

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WriteAsync_Large_GoesInFewMessagesAndWhole()
    {
        List<int> messages = [];
        using MemoryStream received = new();
        var sent = RandomBytes(1024 * 1024);
        TaskCompletionSource all = new();
        await using var fixture = await NodeSide.StartAsync(async (context, _) =>
        {
            var connection = await FrameConnection.AcceptAsync(context);
            await connection.OpenChannelsAsync();
            while (received.Length < sent.Length && await connection.ReadAsync() is { } frame)
            {
                messages.Add(frame.Payload.Length - 1);
                received.Write(frame.Payload, 1, frame.Payload.Length - 1);
            }

            all.SetResult();
            await context.SilenceAsync();
        });
        await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);

        await stream.WriteAsync(sent, CancellationToken);
        await all.Task.WaitAsync(TimeSpan.FromSeconds(30), CancellationToken);

        Assert.Equal(sent, received.ToArray());
        Assert.True(messages.Count <= 16, $"{messages.Count} messages");
        Assert.All(messages, length => Assert.InRange(length, 1, PodPortStream.LargestMessage));
    }

    [Fact]
    public async Task WriteAsync_PeerTakesNothing_WaitsInsteadOfBuffering()
    {
        await using var fixture = await NodeSide.StartAsync(async (context, _) =>
        {
            await (await FrameConnection.AcceptAsync(context)).OpenChannelsAsync();
            await context.SilenceAsync();
        });
        await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);
        using CancellationTokenSource stop = new();

        var write = stream.WriteAsync(new byte[256 * 1024 * 1024], stop.Token).AsTask();
        Assert.False(write.IsCompleted);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
    }

    [Fact]
    public async Task DisposeAsync_AfterAWrite_SendsWhatWasWritten()
    {
        var sent = RandomBytes(200_000);
        TaskCompletionSource<byte[]> received = new();
        await using var fixture = await NodeSide.StartAsync(async (context, _) =>
        {
            using var socket = await context.AcceptForwardAsync();
            using MemoryStream all = new();
            while (await socket.ReceiveAsync() is { } data)
                all.Write(data);
            received.SetResult(all.ToArray());
        });

        await using (var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken))
            await stream.WriteAsync(sent, CancellationToken);

        Assert.Equal(sent, await received.Task.WaitAsync(TimeSpan.FromSeconds(30), CancellationToken));
    }

    [Fact]
    public async Task IdleStream_IsKeptAlive()
    {
        await using var fixture = await NodeSide.StartAsync(
            async (context, _) =>
            {
                var connection = await FrameConnection.AcceptAsync(context);
                await connection.OpenChannelsAsync();
                for (var frames = 0; frames < 5;)
                {
                    if (await connection.ReadAsync() is { Opcode: FrameConnection.Ping or FrameConnection.Pong })
                        frames++;
                }

                await connection.WriteAsync(FrameConnection.Binary, [NodeSide.Data, (byte)'x']);
                await context.SilenceAsync();
            },
            Pinging);
        await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);
        var read = new byte[1];

        await stream.ReadExactlyAsync(read, CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30), CancellationToken);

        Assert.Equal((byte)'x', read[0]);
    }

    [Fact]
    public async Task ReadAsync_PingInsideAFragmentedMessage_IsAnsweredAndTheMessageIsWhole()
    {
        TaskCompletionSource<byte[]> pong = new();
        await using var fixture = await NodeSide.StartAsync(async (context, _) =>
        {
            var connection = await FrameConnection.AcceptAsync(context);
            await connection.OpenChannelsAsync();
            await connection.WriteAsync(FrameConnection.Binary, [NodeSide.Data, (byte)'a'], isLast: false);
            await connection.WriteAsync(FrameConnection.Ping, "are you there"u8.ToArray());
            await connection.WriteAsync(FrameConnection.Continuation, "b"u8.ToArray());
            while (await connection.ReadAsync() is { } frame)
            {
                if (frame.Opcode == FrameConnection.Pong)
                    pong.TrySetResult(frame.Payload);
            }
        });
        await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);
        var read = new byte[2];

        await stream.ReadExactlyAsync(read, CancellationToken);

        Assert.Equal("ab"u8.ToArray(), read);
        Assert.Equal("are you there"u8.ToArray(), await pong.Task.WaitAsync(TimeSpan.FromSeconds(30), CancellationToken));
    }

    [Fact]
    public async Task ManyStreams_AtOnce_EachGetsItsOwn()
    {
        await using var fixture = await NodeSide.StartAsync(async (context, _) =>
        {
            using var socket = await context.AcceptForwardAsync();
            while (await socket.ReceiveAsync() is { } data)
                await socket.SendAsync(NodeSide.Data, data);
        });
        List<Stream> streams = [];
        for (var index = 0; index < 40; index++)
            streams.Add(await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken));

        await Task.WhenAll(streams.Select(async stream =>
        {
            var sent = RandomBytes(300_000 + streams.IndexOf(stream));
            var received = new byte[sent.Length];
            await Task.WhenAll(
                stream.WriteAsync(sent, CancellationToken).AsTask(), stream.ReadExactlyAsync(received, CancellationToken).AsTask());
            Assert.Equal(sent, received);
        }));

        foreach (var stream in streams)
            await stream.DisposeAsync();
    }

    private static byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }
}
