using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// What a caller on an open connection sees while the service stops. Without being asked to connect anew it would stay with the pod
/// that goes, and its next call would break.
/// </summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class DrainTests(EmbeddedEnvironment fixture)
{
    private const int Calls = 5;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Terminate_CallerOnAnOpenConnection_IsAskedToConnectAnew(string version)
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        await using var service =
            await HookService.StartAsync(environment.Management.Kubeconfig, ["--drain-delay", "10s"], CancellationToken);
        using var caller = new CountingCaller(service, Version.Parse(version));

        for (var call = 0; call < Calls; call++)
            await caller.GetAsync("/readyz");
        Assert.Equal(1, caller.Connections);

        service.Terminate();
        while (await caller.GetAsync("/readyz") != HttpStatusCode.ServiceUnavailable)
        {
        }

        // In HTTP/2 the request to connect anew may reach the caller a call later than the answer. When it never does, the listener closes.
        var before = caller.Connections;
        while (caller.Connections < before + Calls)
            Assert.Equal(HttpStatusCode.OK, await caller.GetAsync("/healthz"));
        Assert.Equal(0, await service.WaitForExitAsync(CancellationToken));
    }

    /// <summary>A client that counts how often it connects.</summary>
    private sealed class CountingCaller : IDisposable
    {
        private readonly HttpClient _http;
        private int _connections;

        public CountingCaller(HookService service, Version version)
        {
            var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            trust.CustomTrustStore.ImportFromPem(service.CertificateAuthorityPem);
            _http = new HttpClient(new SocketsHttpHandler
            {
                UseProxy = false,
                SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust },
                ConnectCallback = ConnectAsync,
            })
            {
                BaseAddress = service.Address,
                DefaultRequestVersion = version,
                DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
        }

        public int Connections => Volatile.Read(ref _connections);

        public async Task<HttpStatusCode> GetAsync(string path)
        {
            using var answer = await _http.GetAsync(new Uri(path, UriKind.Relative), CancellationToken);
            return answer.StatusCode;
        }

        public void Dispose() => _http.Dispose();

        private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _connections);
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
    }
}
