using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>Calls hooks again and again, as Cluster API does while the service is updated, and remembers what went wrong.</summary>
internal sealed class RunningCaller : IAsyncDisposable
{
    private readonly HttpClient _http;
    private readonly bool _reconnect;
    private readonly IReadOnlyList<RecordedHookRequest> _requests;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _calling;
    private int _calls;

    /// <param name="forward">The way to the Service.</param>
    /// <param name="rootPem">What the service's certificate comes from.</param>
    /// <param name="requests">What is called, in turns.</param>
    /// <param name="version">The version of HTTP.</param>
    /// <param name="reconnect">True for a connection of its own for each call.</param>
    public RunningCaller(NodeForward forward, string rootPem, IReadOnlyList<RecordedHookRequest> requests, Version version, bool reconnect)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPem(rootPem);
        _http = new HttpClient(
            new SocketsHttpHandler { UseProxy = false, SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust } })
        {
            BaseAddress = new Uri($"https://127.0.0.1:{forward.Port}"),
            DefaultRequestVersion = version,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = TimeSpan.FromSeconds(10),
        };
        _reconnect = reconnect;
        _requests = requests;
        _calling = CallAsync();
    }

    /// <summary>What Cluster API asks for a cluster: hooks that answer by themselves, and one that needs the API server.</summary>
    public static IReadOnlyList<RecordedHookRequest> Requests(TestCluster cluster) =>
    [
        RecordedHookRequest.Load("1.13.4", "Discovery"),
        RecordedHookRequest.Load("1.13.4", "BeforeClusterCreate").For(cluster),
        RecordedHookRequest.Load("1.13.4", "GeneratePatches"),
    ];

    /// <summary>Calls that were answered with success.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>What went wrong; a sentence per call.</summary>
    public ConcurrentQueue<string> Failures { get; } = new();

    /// <summary>Waits until so many more calls have been answered or have failed.</summary>
    public async Task MoreAsync(int calls, CancellationToken cancellationToken)
    {
        var wanted = Calls + Failures.Count + calls;
        await Polling.UntilAsync(
            "the caller", () => Task.FromResult(Calls + Failures.Count >= wanted), () => $"{Calls} calls.", cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _calling;
        _http.Dispose();
        _end.Dispose();
    }

    private async Task CallAsync()
    {
        for (var call = 0; !_end.IsCancellationRequested; call++)
        {
            var recorded = _requests[call % _requests.Count];
            try
            {
                using var request = new HttpRequestMessage(
                    HttpMethod.Post, recorded.Path) { Content = new ByteArrayContent(recorded.ToBytes()) };
                request.Headers.ConnectionClose = _reconnect;
                using var answer = await _http.SendAsync(request, _end.Token);
                var text = await answer.Content.ReadAsStringAsync(_end.Token);
                if (answer.StatusCode == HttpStatusCode.OK && text.Contains("\"status\":\"Success\"", StringComparison.Ordinal))
                    Interlocked.Increment(ref _calls);
                else
                    Failures.Enqueue($"{recorded.Path}: {answer.StatusCode} {text}");
            }
            catch (OperationCanceledException) when (_end.IsCancellationRequested)
            {
                // Asked to end in the middle of a call.
            }
            catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or IOException)
            {
                Failures.Enqueue($"call {Calls + 1}, {recorded.Path}: {exception.Message} {exception.InnerException?.Message}");
            }
        }
    }
}
