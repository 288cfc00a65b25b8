using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Callers;

/// <summary>Who gets to a hook when client certificates are asked for, and who gets to the chart and to health in any case.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class ClientAuthenticationTests(EmbeddedEnvironment fixture) : IAsyncLifetime
{
    private const string ClusterApiName = "capi-controller-manager";
    private const string NoCertificate = "Callers of this path must show a client certificate.";
    private const string NoName = "The client certificate has no name that may call here.";

    private readonly LoopbackAuthority _authority = LoopbackAuthority.Create(TimeProvider.System);
    private readonly LoopbackAuthority _stranger = LoopbackAuthority.Create(TimeProvider.System);
    private readonly ScratchFolder _folder = ScratchFolder.Create("client-authentication-");
    private HookService? _service;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    private HookService Service => _service!;

    public async ValueTask InitializeAsync()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        _service = await HookService.StartAsync(
            environment.Management.Kubeconfig,
            ["--client-ca-file", _folder.Write("ca.crt", _authority.CertificatePem), "--client-names",
            $"other, {ClusterApiName}, spiffe://example.org/capi"],
            CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_service is not null)
            await _service.DisposeAsync();
        await _folder.DisposeAsync();
        _authority.Dispose();
        _stranger.Dispose();
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Hook_RightClient_IsAnswered(string http)
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);
        using var certificate = _authority.IssueClient(new ClientIdentity(ClusterApiName));
        using var capi = Service.CreateClusterApi(certificate, Version.Parse(http));

        var discovered = await capi.DiscoverAsync("1.13.4", CancellationToken);
        var created = await capi.CallAsync("1.13.4", "BeforeClusterCreate", cluster, CancellationToken);

        Assert.Equal("Success", discovered.Status);
        Assert.Equal(("Success", 0), (created.Status, created.RetryAfterSeconds));
    }

    public static TheoryData<string, string?, string?, bool> Names => new()
    {
        { ClusterApiName, null, null, true },
        { "somebody", ClusterApiName, null, true },
        { "somebody", null, "spiffe://example.org/capi", true },
        { "somebody", null, null, false },
        { "somebody", "capi-controller-manager.example.org", "spiffe://example.org/capi/x", false },
        { "CAPI-controller-manager", null, null, false },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Hook_NameOfTheClient_DecidesByItsLetters(string commonName, string? dnsName, string? uri, bool isAllowed)
    {
        using var certificate = _authority.IssueClient(
            new ClientIdentity(commonName) { DnsName = dnsName, Uri = uri is null ? null : new Uri(uri) });
        using var caller = Service.CreateClusterApi(certificate);

        var answer = await caller.DiscoverAsync("1.13.4", CancellationToken);

        Assert.Equal(isAllowed ? 200 : 403, answer.StatusCode);
        if (!isAllowed)
            Assert.Equal(NoName, answer.Error);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Hook_NoClientCertificate_IsRefusedWithAFixedAnswer(string http)
    {
        using var caller = Service.CreateClusterApi(null, Version.Parse(http));

        foreach (var path in new[] { "/hooks.runtime.cluster.x-k8s.io/v1alpha1/discovery", "/nowhere", "/v2x", "/healthz-not" })
        {
            var answer = await caller.SendAsync(HttpMethod.Post, path, "{}"u8.ToArray(), CancellationToken);
            Assert.Equal((403, NoCertificate), (answer.StatusCode, answer.Error));
        }

        Assert.Contains("Refused a caller from", Service.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ChartAndHealth_NoClientCertificate_AreAnswered()
    {
        using var caller = Service.CreateClusterApi();

        foreach (var path in new[] { "/v2/", "/v2/charts/registry/tags/list", "/healthz", "/readyz" })
            Assert.Equal(200, (await caller.SendAsync(HttpMethod.Get, path, null, CancellationToken)).StatusCode);
    }

    public static TheoryData<string> False => ["another authority", "ended", "not begun", "a server's"];

    [Theory]
    [MemberData(nameof(False))]
    public async Task Handshake_FalseClientCertificate_IsRefused(string kind)
    {
        using var certificate = Issue(kind);
        using var caller = Service.CreateClusterApi(certificate);

        await Assert.ThrowsAsync<HttpRequestException>(() => caller.DiscoverAsync("1.13.4", CancellationToken));
        Assert.True(Service.IsRunning);
    }

    [Fact]
    public async Task Metrics_RefusedCallers_AreCountedByReason()
    {
        using var wrongName = _authority.IssueClient(new ClientIdentity("somebody"));
        using var named = Service.CreateClusterApi(wrongName);
        using var anonymous = Service.CreateClusterApi();

        await named.DiscoverAsync("1.13.4", CancellationToken);
        await anonymous.DiscoverAsync("1.13.4", CancellationToken);
        await anonymous.DiscoverAsync("1.13.4", CancellationToken);

        using var http = new HttpClient();
        var page = await http.GetStringAsync(new Uri(Service.MetricsAddress, "/metrics"), CancellationToken);
        Assert.Contains("capi_registry_hook_refused_callers_total{reason=\"name\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("capi_registry_hook_refused_callers_total{reason=\"no_certificate\"} 2\n", page, StringComparison.Ordinal);
    }

    private X509Certificate2 Issue(string kind)
    {
        var now = TimeProvider.System.GetUtcNow();
        var identity = new ClientIdentity(ClusterApiName);
        return kind switch
        {
            "another authority" => _stranger.IssueClient(identity),
            "ended" => _authority.IssueClient(identity with { NotAfter = now.AddSeconds(-5) }),
            "not begun" => _authority.IssueClient(identity with { NotBefore = now.AddHours(1) }),
            _ => _authority.IssueClient(identity with { Usage = ClientIdentity.ServerAuthentication }),
        };
    }
}
