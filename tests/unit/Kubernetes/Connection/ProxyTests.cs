using System.Net;
using System.Net.Sockets;
using System.Text;
using CapiRegistryHook.Kubernetes.Client;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Connection;

public sealed class ProxyTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("http")]
    [InlineData("socks5")]
    public async Task GetAsync_ProxyUrl_TunnelsAndVerifiesTheServerBehind(string scheme)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        await using var fixture = await ClientFixture.StartAsync(
            (context, _) => context.JsonAsync(Answers.SecretJson),
            change: c => c with { Proxy = new Uri($"{scheme}://{listener.LocalEndpoint}") });
        var proxy = ServeOneAsync(listener, scheme, fixture.Server.Address.Port, stop.Token);
        await fixture.GetAsync();
        await stop.CancelAsync();
        Assert.Equal(scheme == "http" ? $"CONNECT 127.0.0.1:{fixture.Server.Address.Port} HTTP/1.1" : "socks", await proxy);
    }

    [Fact]
    public async Task GetAsync_ProxyMissing_IsUnreachableAndMayBeRepeated()
    {
        await using var fixture = await ClientFixture.StartAsync(
            (context, _) => context.JsonAsync(Answers.SecretJson),
            change: c => c with { Proxy = new Uri("http://user:leak-me@127.0.0.1:1") });
        var failure = await Assert.ThrowsAsync<KubernetesApiException>(fixture.GetAsync);
        Assert.Equal((KubernetesFault.Unreachable, true), (failure.Fault, failure.NeverSent));
        Assert.DoesNotContain("leak-me", failure.ToString(), StringComparison.Ordinal);
        Assert.Empty(fixture.Server.Requests);
    }

    private static async Task<string> ServeOneAsync(TcpListener listener, string scheme, int port, CancellationToken cancellationToken)
    {
        using var client = await listener.AcceptTcpClientAsync(cancellationToken);
        var near = client.GetStream();
        var buffer = new byte[4096];
        var length = await near.ReadAsync(buffer, cancellationToken);
        var asked = "socks";
        if (scheme == "http")
        {
            asked = Encoding.ASCII.GetString(buffer, 0, length).Split("\r\n")[0];
            await near.WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray(), cancellationToken);
        }
        else
        {
            // RFC 1928: no authentication; then any request is granted.
            await near.WriteAsync(new byte[] { 5, 0 }, cancellationToken);
            _ = await near.ReadAsync(buffer, cancellationToken);
            await near.WriteAsync(new byte[] { 5, 0, 0, 1, 127, 0, 0, 1, 0, 0 }, cancellationToken);
        }

        using TcpClient server = new();
        await server.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
        var far = server.GetStream();
        try
        {
            await Task.WhenAny(near.CopyToAsync(far, cancellationToken), far.CopyToAsync(near, cancellationToken));
        }
        catch (OperationCanceledException)
        {
        }

        return asked;
    }
}
