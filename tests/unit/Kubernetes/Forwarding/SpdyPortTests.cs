using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Forwarding;
using CapiRegistryHook.Kubernetes.Objects;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Forwarding;

/// <summary>Streams to ports of pods in SPDY, against a server that plays API server and node.</summary>
public sealed class SpdyPortTests
{
    private static readonly NamespacedName Pod = new("ns", "one");
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private static readonly KubernetesClientOptions Pinging =
        ClientFixture.Quick with { ForwardPingInterval = TimeSpan.FromMilliseconds(20) };

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OpenPortAsync_AsksForTheStreamsOfAPort()
    {
        TaskCompletionSource<IReadOnlyList<SpdySide.Frame>> opened = new();
        await using var fixture = await StartAsync(async (context, side) =>
        {
            Assert.Equal(
                ("SPDY/3.1", "portforward.k8s.io", 0L), (context.Request.Headers.Upgrade.ToString(),
                context.Request.Headers["X-Stream-Protocol-Version"].ToString(), context.Request.ContentLength ?? 0));
            opened.SetResult(await side.OpenAsync());
            await context.SilenceAsync();
        });
        await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);

        var frames = await opened.Task.WaitAsync(Bound, CancellationToken);

        Assert.Equal(
            [(1, "streamtype=error port=5000 requestid=0"), (3, "streamtype=data port=5000 requestid=0")], SpdySide.HeadersOf(frames));
        Assert.Equal((SpdySide.ErrorStream, SpdySide.Final, 0), (frames[1].Start, frames[1].Flags, frames[1].Content.Length));
        Assert.Equal("/api/v1/namespaces/ns/pods/one/portforward", fixture.Server.Requests.Single().Url);
    }

    [Fact]
    public async Task Data_BothWays_ArrivesWhole()
    {
        await using var fixture = await StartAsync(async (_, side) =>
        {
            await side.OpenAsync();
            while (await side.ReadAsync() is { } frame)
                await side.WriteAsync(frame.Start, frame.Content, frame.Flags);
        });
        await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);
        var sent = new byte[1_000_000];
        new Random(7).NextBytes(sent);
        var received = new byte[sent.Length];

        await Task.WhenAll(
            stream.WriteAsync(sent, CancellationToken).AsTask(), stream.ReadExactlyAsync(received, CancellationToken).AsTask());

        Assert.Equal(sent, received);
    }

    [Fact]
    public async Task ReadAsync_PodSaysThatItIsAll_Ends()
    {
        await using var fixture = await StartAsync(async (context, side) =>
        {
            await side.OpenAsync();
            await side.WriteAsync(SpdySide.DataStream, "ab"u8.ToArray());
            await side.WriteAsync(SpdySide.ErrorStream, [], SpdySide.Final);
            await side.WriteAsync(SpdySide.DataStream, "c"u8.ToArray(), SpdySide.Final);
            await context.SilenceAsync();
        });
        await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);
        using StreamReader reader = new(stream);

        Assert.Equal("abc", await reader.ReadToEndAsync(CancellationToken).WaitAsync(Bound, CancellationToken));
    }

    [Fact]
    public async Task DisposeAsync_AfterAWrite_SendsWhatWasWrittenAndItsEnd()
    {
        TaskCompletionSource<(int Length, byte Flags)> received = new();
        await using var fixture = await StartAsync(async (_, side) =>
        {
            await side.OpenAsync();
            var length = 0;
            for (var frame = await side.ReadAsync(); frame is not null; frame = await side.ReadAsync())
            {
                length += frame.Content.Length;
                if (frame.Flags == SpdySide.Final)
                    received.TrySetResult((length, frame.Flags));
            }
        });

        await using (var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken))
            await stream.WriteAsync(new byte[200_000], CancellationToken);

        Assert.Equal((200_000, SpdySide.Final), await received.Task.WaitAsync(Bound, CancellationToken));
    }

    [Theory]
    [InlineData(SpdySide.ErrorStream, "The pod refused the connection or closed it.")]
    [InlineData(SpdySide.Reset, "The connection to the pod broke.")]
    [InlineData(5, "The server does not speak the port-forward protocol.")]
    [InlineData(0, "The server does not speak the port-forward protocol.")]
    [InlineData(unchecked((int)0x8002_0002), "The server does not speak the port-forward protocol.")]
    public async Task ReadAsync_WhatEndsAConnection_SaysSoWithoutTheNodesWords(int start, string message)
    {
        await using var fixture = await StartAsync(async (context, side) =>
        {
            await side.OpenAsync();
            await side.WriteAsync(start, "error forwarding port 5000: connect(10.1.2.3): refused"u8.ToArray());
            await context.SilenceAsync();
        });
        await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);

        var exception = await Assert.ThrowsAsync<IOException>(
            () => stream.ReadExactlyAsync(new byte[1], CancellationToken).AsTask().WaitAsync(Bound, CancellationToken));

        Assert.Equal(message, exception.Message);
    }

    [Fact]
    public async Task IdleStream_PingsAreAnswered_StaysOpen()
    {
        await using var fixture = await StartAsync(async (context, side) =>
        {
            await side.OpenAsync();
            for (var pings = 0; pings < 5; pings++)
            {
                var ping = (await side.ReadAsync())!;
                Assert.Equal((SpdySide.Ping, 2 * pings + 1), (ping.Start, ping.Content[3]));
                await side.WriteAsync(SpdySide.Ping, ping.Content);
            }

            await side.WriteAsync(SpdySide.DataStream, "x"u8.ToArray());
            await context.SilenceAsync();
        }, Pinging with { ForwardPongTimeout = Bound });
        await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);
        var read = new byte[1];

        await stream.ReadExactlyAsync(read, CancellationToken).AsTask().WaitAsync(Bound, CancellationToken);

        Assert.Equal((byte)'x', read[0]);
    }

    [Fact]
    public async Task DeadPeer_NoAnswerToAPing_BreaksReadsAndWrites()
    {
        await using var fixture = await StartAsync(
            async (context, side) =>
            {
                await side.OpenAsync();
                await context.SilenceAsync();
            },
            Pinging with { ForwardPongTimeout = TimeSpan.FromMilliseconds(50) });
        await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);

        var exception = await Assert.ThrowsAsync<IOException>(
            () => stream.ReadExactlyAsync(new byte[1], CancellationToken).AsTask().WaitAsync(Bound, CancellationToken));
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            while (true)
                await stream.WriteAsync(new byte[1000], CancellationToken);
        });

        Assert.StartsWith("The connection to the pod broke: nothing arrived", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(403)]
    [InlineData(405)]
    [InlineData(502)]
    public async Task OpenPortAsync_SpdyDoesNotPass_WebSocketsAreUsedFromThenOn(int code)
    {
        await using var fixture = await ClientFixture.StartAsync(async (context, _) =>
        {
            if (HttpMethods.IsPost(context.Request.Method))
            {
                await context.StatusAsync(code, "", "no such upgrade");
                return;
            }

            using var socket = await context.AcceptForwardAsync();
            while (await socket.ReceiveAsync() is { } data)
                await socket.SendAsync(NodeSide.Data, data);
        });

        for (var count = 0; count < 2; count++)
        {
            await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);
            await stream.WriteAsync("x"u8.ToArray(), CancellationToken);
            await stream.ReadExactlyAsync(new byte[1], CancellationToken).AsTask().WaitAsync(Bound, CancellationToken);
        }

        Assert.Equal(["POST", "GET", "GET"], fixture.Server.Requests.Select(request => request.Method));
    }

    [Fact]
    public async Task ReceiveAsync_AnyBytes_EndsOrBreaks()
    {
        var random = new Random(11);
        for (var round = 0; round < 2000; round++)
        {
            // Starts that are known reach further than arbitrary ones.
            int[] starts = [SpdySide.ErrorStream, SpdySide.DataStream, SpdySide.Reply, SpdySide.Reset, SpdySide.Ping, random.Next()];
            using var bytes = new MemoryStream();
            var side = new SpdySide(bytes);
            for (var frame = random.Next(6); frame >= 0; frame--)
                await side.WriteAsync(starts[random.Next(starts.Length)], new byte[random.Next(20)], (byte)random.Next(3));
            bytes.SetLength(bytes.Length - random.Next(4));
            bytes.Position = 0;
            using var port = new SpdyPort(bytes, new HttpResponseMessage(), Pinging, TimeProvider.System);
            try
            {
                for (var pieces = 0; await port.ReceiveAsync(CancellationToken) is not null; pieces++)
                    Assert.InRange(pieces, 0, 100);
            }
            catch (IOException)
            {
                // Refused.
            }
        }
    }

    private static Task<ClientFixture> StartAsync(Func<HttpContext, SpdySide, Task> serve, KubernetesClientOptions? options = null) =>
        ClientFixture.StartAsync(async (context, _) => await serve(context, await SpdySide.AcceptAsync(context)), options);
}
