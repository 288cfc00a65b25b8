using CapiRegistryHook.Harness;
using System.Globalization;
using System.Net;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>The port without TLS of the published service: what it shows, and that it shows nothing else.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class MetricsTests(EmbeddedEnvironment fixture) : IAsyncLifetime
{
    private const string Version = "1.13.4";
    private const string DiscoveryPath = "/hooks.runtime.cluster.x-k8s.io/v1alpha1/discovery";

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });
    private HookService _service = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        _service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _service.DisposeAsync();
    }

    [Fact]
    public async Task Metrics_AfterCalls_CountThemByHookAndOutcome()
    {
        using var capi = _service.CreateClusterApi();
        var cluster = await (await fixture.EmptyAsync(CancellationToken)).CreateClusterAsync("c1", CancellationToken);

        await capi.DiscoverAsync(Version, CancellationToken);
        await capi.CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken);
        await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, CancellationToken);
        await capi.CallAsync(Version, "BeforeClusterUpgrade", cluster, CancellationToken);
        await capi.SendAsync(HttpMethod.Post, DiscoveryPath, "[]"u8.ToArray(), CancellationToken);

        await CountedAsync("capi_registry_hook_calls_total{hook=\"Discovery\",outcome=\"success\"}", 1);
        await CountedAsync("capi_registry_hook_calls_total{hook=\"Discovery\",outcome=\"refused\"}", 1);
        await CountedAsync("capi_registry_hook_calls_total{hook=\"BeforeClusterCreate\",outcome=\"success\"}", 1);
        await CountedAsync("capi_registry_hook_calls_total{hook=\"AfterControlPlaneInitialized\",outcome=\"failure\"}", 1);
        await CountedAsync("capi_registry_hook_calls_total{hook=\"BeforeClusterUpgrade\",outcome=\"blocked\"}", 1);
        await CountedAsync("capi_registry_hook_call_duration_seconds_count{hook=\"Discovery\"}", 2);
        await CountedAsync($"capi_registry_hook_build_info{{version=\"{ServiceVersion.Text}\"}}", 1);
        var seconds = long.Parse(
            (await SampleAsync("capi_registry_hook_serving_certificate_not_after_timestamp_seconds"))!, CultureInfo.InvariantCulture);
        Assert.True(DateTimeOffset.FromUnixTimeSeconds(seconds) > TimeProvider.System.GetUtcNow());
    }

    [Theory]
    [InlineData("GET", "/metrics", HttpStatusCode.OK)]
    [InlineData("GET", "/healthz", HttpStatusCode.OK)]
    [InlineData("GET", "/readyz", HttpStatusCode.OK)]
    [InlineData("POST", "/metrics", HttpStatusCode.MethodNotAllowed)]
    [InlineData("GET", "/", HttpStatusCode.NotFound)]
    [InlineData("GET", "/metrics/", HttpStatusCode.NotFound)]
    [InlineData("POST", DiscoveryPath, HttpStatusCode.NotFound)]
    [InlineData("GET", "/v2/", HttpStatusCode.NotFound)]
    public async Task PlainPort_AnyPath_AnswersOnlyMetricsAndHealth(string method, string path, HttpStatusCode status)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(_service.MetricsAddress, path));
        using var answer = await _http.SendAsync(request, CancellationToken);

        Assert.Equal(status, answer.StatusCode);
        Assert.NotEmpty(await answer.Content.ReadAsStringAsync(CancellationToken));
    }

    [Fact]
    public async Task Metrics_ContentType_NamesTheFormat()
    {
        using var answer = await _http.GetAsync(new Uri(_service.MetricsAddress, "/metrics"), CancellationToken);

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
    }

    [Fact]
    public async Task TlsPort_HasNoMetrics()
    {
        using var capi = _service.CreateClusterApi();

        Assert.Equal(404, (await capi.SendAsync(HttpMethod.Get, "/metrics", null, CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task Start_MetricsListenEmpty_ListensOnTlsAlone()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        await using var service =
            await HookService.StartAsync(environment.Management.Kubeconfig, ["--metrics-listen", ""], CancellationToken);
        using var capi = service.CreateClusterApi();

        Assert.Equal(200, (await capi.DiscoverAsync(Version, CancellationToken)).StatusCode);
        Assert.DoesNotContain("http://", service.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--listen")]
    [InlineData("--metrics-listen")]
    public async Task Start_AddressInUse_NamesTheOption(string option)
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        var taken = _service.MetricsAddress.Authority;

        var exception = await Assert.ThrowsAsync<InvalidOperationException>(
            () => HookService.StartAsync(environment.Management.Kubeconfig, [option, taken], CancellationToken));

        Assert.Contains($"{option} has the value {taken}, which is in use.", exception.Message, StringComparison.Ordinal);
        Assert.Contains("code 2", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>A call is counted once its answer is out, which may be a moment after the caller has it.</summary>
    private async Task CountedAsync(string sample, int count)
    {
        string? found = null;
        await Polling.UntilAsync(
            $"{sample} is {count}",
            async () => (found = await SampleAsync(sample)) == count.ToString(CultureInfo.InvariantCulture),
            () => $"It is {found ?? "missing"}.", CancellationToken);
    }

    private async Task<string?> SampleAsync(string sample)
    {
        var page = await _http.GetStringAsync(new Uri(_service.MetricsAddress, "/metrics"), CancellationToken);
        return page.Split('\n').FirstOrDefault(line => line.StartsWith(sample + " ", StringComparison.Ordinal))?[(sample.Length + 1)..];
    }
}
