using System.Net.WebSockets;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Forwarding;

/// <summary>Streams to ports of pods, against a server that plays API server and node.</summary>
public sealed class PodPortTests
{
    private static readonly NamespacedName Pod = new("ns", "one");

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OpenPortAsync_DataBothWays_ArrivesWhole()
    {
        await using var fixture = await NodeSide.StartAsync(async (context, _) =>
        {
            Assert.Equal(0, context.Request.Headers.Accept.Count);
            using var socket = await context.AcceptForwardAsync();
            while (await socket.ReceiveAsync() is { } data)
                await socket.SendAsync(NodeSide.Data, data);
        });
        var sent = new byte[100_000];
        new Random(7).NextBytes(sent);
        await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);

        await stream.WriteAsync(sent, CancellationToken);
        var received = new byte[sent.Length];
        await stream.ReadExactlyAsync(received, CancellationToken);

        Assert.Equal(sent, received);
        Assert.Equal("/api/v1/namespaces/ns/pods/one/portforward?ports=5000", fixture.Server.Requests.Last().Url);
    }

    [Fact]
    public async Task ReadAsync_MessagesInPieces_AreJoined()
    {
        await using var fixture = await NodeSide.StartAsync(async (context, _) =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync(NodeSide.Protocol);
            byte[][] pieces = [[], [NodeSide.Data, 0x88], [], [0x13], [(byte)'a'], [(byte)'b', (byte)'c']];
            foreach (var piece in pieces)
                await socket.SendAsync(piece, WebSocketMessageType.Binary, endOfMessage: false, CancellationToken.None);
            await socket.SendAsync(Array.Empty<byte>(), WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
            await socket.SendAsync(NodeSide.Data, "d"u8);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        });
        await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);
        using StreamReader reader = new(stream);

        Assert.Equal("abcd", await reader.ReadToEndAsync(CancellationToken));
    }

    [Fact]
    public async Task ReadAsync_NobodyListensInThePod_SaysSoWithoutTheNodesWords()
    {
        await using var fixture = await NodeSide.StartAsync(async (context, _) =>
        {
            using var socket = await context.AcceptForwardAsync();
            await socket.SendAsync(NodeSide.Error, "error forwarding port 5000: connect(10.1.2.3): refused"u8);
            await context.SilenceAsync();
        });
        await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);

        var exception = await Assert.ThrowsAsync<IOException>(() => stream.ReadExactlyAsync(new byte[1], CancellationToken).AsTask());

        Assert.Equal("The pod refused the connection or closed it.", exception.Message);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(255)]
    public async Task ReadAsync_UnknownChannel_IsRefused(byte channel)
    {
        await using var fixture = await NodeSide.StartAsync(async (context, _) =>
        {
            using var socket = await context.AcceptForwardAsync();
            await socket.SendAsync(channel, "x"u8);
            await context.SilenceAsync();
        });
        await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);

        await Assert.ThrowsAsync<IOException>(() => stream.ReadExactlyAsync(new byte[1], CancellationToken).AsTask());
    }

    [Fact]
    public async Task ReadAsync_ConnectionBreaks_IsAnIOException()
    {
        await using var fixture = await NodeSide.StartAsync(async (context, _) =>
        {
            using var socket = await context.AcceptForwardAsync();
            await socket.ReceiveAsync();
            context.Abort();
        });
        await using var stream = await fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);
        await stream.WriteAsync("break"u8.ToArray(), CancellationToken);

        await Assert.ThrowsAnyAsync<IOException>(() => stream.ReadExactlyAsync(new byte[1], CancellationToken).AsTask());
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            while (true)
                await stream.WriteAsync(new byte[10_000], CancellationToken);
        });
    }

    [Theory]
    [InlineData(403, "Forbidden", KubernetesFault.Forbidden)]
    [InlineData(404, "NotFound", KubernetesFault.NotFound)]
    [InlineData(500, "InternalError", KubernetesFault.Unavailable)]
    public async Task OpenPortAsync_Refused_SaysWhatTheServerSaid(int code, string reason, KubernetesFault fault)
    {
        await using var fixture = await NodeSide.StartAsync((context, _) => context.StatusAsync(code, reason, "the pod is elsewhere"));

        var exception = await Assert.ThrowsAsync<KubernetesApiException>(() => fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken));

        Assert.Equal((fault, (int?)code, "pods ns/one: the pod is elsewhere"), (exception.Fault, exception.StatusCode, exception.Message));
    }

    [Fact]
    public async Task OpenPortAsync_PlainAnswer_IsNoConnection()
    {
        await using var fixture = await NodeSide.StartAsync((context, _) => context.JsonAsync("{}"));

        var exception = await Assert.ThrowsAsync<KubernetesApiException>(() => fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken));

        Assert.Equal(KubernetesFault.BadResponse, exception.Fault);
    }

    [Fact]
    public async Task OpenPortAsync_AnswerToAnotherKey_IsNoConnection()
    {
        await using var fixture = await NodeSide.StartAsync((context, _) =>
        {
            context.Request.Headers.SecWebSocketKey = Convert.ToBase64String(new byte[16]);
            return context.AcceptForwardAsync();
        });

        var exception = await Assert.ThrowsAsync<KubernetesApiException>(() => fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken));

        Assert.Equal(KubernetesFault.BadResponse, exception.Fault);
    }

    [Fact]
    public async Task OpenPortAsync_Silence_EndsAfterTheCallTimeout()
    {
        ManualTime time = new();
        await using var fixture =
            await NodeSide.StartAsync((context, _) => context.SilenceAsync(), new KubernetesClientOptions(), time);
        var call = fixture.Client.OpenPortAsync(Pod, 5000, CancellationToken);
        await time.TimerAsync(delay => delay == TimeSpan.FromSeconds(3));

        time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal(KubernetesFault.Timeout, (await Assert.ThrowsAsync<KubernetesApiException>(() => call)).Fault);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65536)]
    public async Task OpenPortAsync_PortThatIsNone_IsRefused(int port)
    {
        await using var fixture = await NodeSide.StartAsync((context, _) => context.JsonAsync("{}"));

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => fixture.Client.OpenPortAsync(Pod, port, CancellationToken));
        Assert.Empty(fixture.Server.Requests);
    }
}
