using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Callers;

/// <summary>What a caller may not take of the listener, and that the others are answered meanwhile.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class ListenLimitTests(EmbeddedEnvironment fixture) : IAsyncLifetime
{
    private const string Discovery = "/hooks.runtime.cluster.x-k8s.io/v1alpha1/discovery";

    /// <summary>Limits of 5 s, noticed by a timer of a second, on a machine that does other things too.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(25);

    private HookService? _service;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    private HookService Service => _service!;

    public async ValueTask InitializeAsync() =>
        _service = await HookService.StartAsync((await fixture.EmptyAsync(CancellationToken)).Management.Kubeconfig, [], CancellationToken);

    public ValueTask DisposeAsync() => _service?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Theory]
    [InlineData("", 0)]
    [InlineData("POST " + Discovery + " HTTP/1.1\r\nHost: x\r\n", 1)]
    [InlineData("POST " + Discovery + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 1)]
    [InlineData("POST " + Discovery + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n", 1)]
    public async Task SlowSender_HeadOrBodyThatDrips_IsCutOffInTime(string start, int bytesPerStep)
    {
        using var connection = await RawConnection.OpenAsync(Service, CancellationToken);
        var started = TimeProvider.System.GetTimestamp();
        await connection.WriteAsync(start.Length == 0 ? "P" : start, CancellationToken);
        using var dripping = CancellationTokenSource.CreateLinkedTokenSource(CancellationToken);

        var drip = DripAsync(connection, bytesPerStep, dripping.Token);
        var answer = await connection.ReadToEndAsync(CancellationToken);
        var took = TimeProvider.System.GetElapsedTime(started);
        await dripping.CancelAsync();
        await drip;

        Assert.True(took < Bound, $"{took}");
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 408 ", StringComparison.Ordinal), answer);
        await AssertOthersAreAnsweredAsync();
    }

    [Fact]
    public async Task SilentConnection_NoHandshake_IsClosedInTime()
    {
        using var socket = await RawConnection.ConnectAsync(Service, CancellationToken);
        var started = TimeProvider.System.GetTimestamp();

        var read = await socket.GetStream().ReadAsync(new byte[1], CancellationToken);

        Assert.Equal(0, read);
        Assert.True(TimeProvider.System.GetElapsedTime(started) < Bound);
    }

    [Theory]
    [InlineData("GET /", 5_000, " HTTP/1.1\r\nHost: x\r\n\r\n", "414")]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: x\r\nX: ", 17_000, "\r\n\r\n", "431")]
    public async Task Head_TooLong_IsRefused(string start, int length, string end, string status)
    {
        using var connection = await RawConnection.OpenAsync(Service, CancellationToken);

        await connection.WriteAsync(start + new string('a', length) + end, CancellationToken);

        Assert.StartsWith($"HTTP/1.1 {status} ", await connection.ReadToEndAsync(CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Head_TooManyHeaders_IsRefused()
    {
        using var connection = await RawConnection.OpenAsync(Service, CancellationToken);

        await connection.WriteAsync(
            "GET /healthz HTTP/1.1\r\nHost: x\r\n" + string.Concat(Enumerable.Repeat("X: y\r\n", 70)) + "\r\n", CancellationToken);

        Assert.StartsWith("HTTP/1.1 431 ", await connection.ReadToEndAsync(CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1111111111111111\r\n")]
    [InlineData("zz\r\n")]
    [InlineData("5\r\n{}{}{}{}")]
    public async Task Body_BadChunks_IsRefusedWith400(string chunks)
    {
        using var connection = await RawConnection.OpenAsync(Service, CancellationToken);

        await connection.WriteAsync(
            $"POST {Discovery} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}", CancellationToken);

        Assert.StartsWith("HTTP/1.1 400 ", await connection.ReadToEndAsync(CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Body_OverTheCap_IsRefusedWith413(string http)
    {
        using var caller = Service.CreateClusterApi(null, Version.Parse(http));

        var answer = await caller.SendAsync(HttpMethod.Post, Discovery, new byte[20 * 1024 * 1024 + 1], CancellationToken);

        Assert.Equal((413, "The body is longer than 20 MiB."), (answer.StatusCode, answer.Error));
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Answers_OfEveryKind_TellNoVersion(string http)
    {
        using var client = Service.CreateHttpClient();
        client.DefaultRequestVersion = Version.Parse(http);
        client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;

        foreach (var path in new[] { "/healthz", "/nowhere", Discovery, "/v2/", "/v2/x" })
        {
            using var answer = await client.GetAsync(new Uri(path, UriKind.Relative), CancellationToken);
            Assert.Empty(answer.Headers.Server);
            Assert.Empty(answer.Headers.Via);
            Assert.DoesNotContain(answer.Headers, header => header.Key.StartsWith("X-", StringComparison.OrdinalIgnoreCase));
        }
    }

    [Fact]
    public async Task Handshake_Tls12_HasForwardSecrecyAndAuthenticatedEncryption()
    {
        using var connection = await RawConnection.OpenAsync(Service, CancellationToken, SslProtocols.Tls12);

        Assert.Contains(connection.Suite.ToString(), new[]
        {
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        });
    }

    [Theory]
    [InlineData(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256)]
    [InlineData(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384)]
    [InlineData(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA)]
    public async Task Handshake_SuiteInCbcMode_IsRefused(TlsCipherSuite suite)
    {
#pragma warning disable CA1416 // OpenSSL is behind it where these tests run.
        var only = new CipherSuitesPolicy([suite]);
#pragma warning restore CA1416

        await Assert.ThrowsAnyAsync<Exception>(() => RawConnection.OpenAsync(Service, CancellationToken, SslProtocols.Tls12, only));
    }

    [Fact]
    public async Task Connections_OverTheCap_AreClosedAndOthersGoOn()
    {
        using var early = Service.CreateClusterApi();
        await early.DiscoverAsync("1.13.4", CancellationToken);
        List<TcpClient> silent = [];
        try
        {
            for (var index = 0; index < 1100; index++)
                silent.Add(await RawConnection.ConnectAsync(Service, CancellationToken));

            Assert.Equal(0, await silent[^1].GetStream().ReadAsync(new byte[1], CancellationToken));
            Assert.Equal("Success", (await early.DiscoverAsync("1.13.4", CancellationToken)).Status);
            using var metrics = new HttpClient();
            Assert.Equal(
                HttpStatusCode.OK, (await metrics.GetAsync(new Uri(Service.MetricsAddress, "/healthz"), CancellationToken)).StatusCode);
        }
        finally
        {
            silent.ForEach(socket => socket.Dispose());
        }

        await Polling.UntilAsync("a new connection", IsAnsweredAsync, () => Service.Log, CancellationToken);
    }

    private async Task<bool> IsAnsweredAsync()
    {
        try
        {
            await AssertOthersAreAnsweredAsync();
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task AssertOthersAreAnsweredAsync()
    {
        using var caller = Service.CreateClusterApi();
        Assert.Equal("Success", (await caller.DiscoverAsync("1.13.4", CancellationToken)).Status);
    }

    private static async Task DripAsync(RawConnection connection, int bytesPerStep, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(300), TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
                await connection.WriteAsync(new string('1', bytesPerStep), cancellationToken);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The test is over, or the service has closed the connection.
        }
    }
}
