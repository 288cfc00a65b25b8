using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Service;

/// <summary>Plays the controllers of Cluster API towards the service: HTTPS, POST, no Content-Type.</summary>
public sealed class ClusterApi : IDisposable
{
    /// <summary>What Cluster API itself waits for an answer.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;

    /// <param name="address">Where the service listens.</param>
    /// <param name="certificateAuthorityPem">The only root that its certificate may come from.</param>
    /// <param name="client">The certificate that it shows; null for none.</param>
    /// <param name="http">The version of HTTP; null for what the client prefers, 1.1.</param>
    public ClusterApi(Uri address, string certificateAuthorityPem, X509Certificate2? client = null, Version? http = null)
    {
        _http = CreateHttpClient(address, certificateAuthorityPem, client);
        _http.DefaultRequestVersion = http ?? _http.DefaultRequestVersion;
        _http.DefaultVersionPolicy = http is null ? _http.DefaultVersionPolicy : HttpVersionPolicy.RequestVersionExact;
    }

    internal static HttpClient CreateHttpClient(Uri address, string certificateAuthorityPem, X509Certificate2? client = null)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPem(certificateAuthorityPem);
        return new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = trust,
                ClientCertificateContext = client is null ? null : SslStreamCertificateContext.Create(client, null, offline: true),
            },
        })
        { BaseAddress = address, Timeout = Timeout };
    }

    /// <summary>Calls discovery.</summary>
    public Task<HookAnswer> DiscoverAsync(string version, CancellationToken cancellationToken) =>
        PostAsync(RecordedHookRequest.Load(version, "Discovery"), cancellationToken);

    /// <summary>Calls a lifecycle hook for the cluster in the shape of that version of Cluster API.</summary>
    public Task<HookAnswer> CallAsync(string version, string hook, TestCluster cluster, CancellationToken cancellationToken) =>
        PostAsync(RecordedHookRequest.Load(version, hook).For(cluster), cancellationToken);

    /// <summary>Calls BeforeClusterUpgrade for another target version.</summary>
    public Task<HookAnswer> UpgradeAsync(
        string version, TestCluster cluster, string kubernetesVersion, CancellationToken cancellationToken) =>
        PostAsync(RecordedHookRequest.Load(version, "BeforeClusterUpgrade").For(cluster).To(kubernetesVersion), cancellationToken);

    /// <summary>Posts a recorded request as it is.</summary>
    public Task<HookAnswer> PostAsync(RecordedHookRequest request, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, request.Path, request.ToBytes(), cancellationToken);

    /// <summary>Sends any bytes to any path.</summary>
    public async Task<HookAnswer> SendAsync(HttpMethod method, string path, byte[]? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new ByteArrayContent(body);
        var started = TimeProvider.System.GetTimestamp();
        using var response = await _http.SendAsync(request, cancellationToken);
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        return new HookAnswer((int)response.StatusCode, text, TimeProvider.System.GetElapsedTime(started));
    }

    /// <summary>Ends the connections.</summary>
    public void Dispose() => _http.Dispose();
}

/// <summary>What the service answered.</summary>
/// <param name="StatusCode">The HTTP status.</param>
/// <param name="Text">The body.</param>
/// <param name="Took">How long it took.</param>
public sealed record HookAnswer(int StatusCode, string Text, TimeSpan Took)
{
    /// <summary>The body as JSON.</summary>
    public JsonNode Json => JsonNode.Parse(Text) ?? throw new InvalidDataException("The answer is JSON null.");

    /// <summary>Success or Failure.</summary>
    public string? Status => (string?)Json["status"];

    /// <summary>The sentence.</summary>
    public string? Message => (string?)Json["message"];

    /// <summary>The sentence of an answer that is no answer of a hook: 4xx and 5xx.</summary>
    public string? Error => (string?)Json["error"];

    /// <summary>Seconds until the next call; null when the hook can't block.</summary>
    public int? RetryAfterSeconds => (int?)Json["retryAfterSeconds"];
}
