using System.Net;
using System.Text.Json.Nodes;
using CapiRegistryHook.Hooks.Serving;
using CapiRegistryHook.Registry.Chart;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace CapiRegistryHook.Unit.Tests.Hooks;

/// <summary>The read-only OCI registry with one chart, by the OCI distribution specification; the program serves it over TLS.</summary>
public sealed class ChartEndpointTests : IAsyncLifetime
{
    private const string Repository = "/v2/charts/registry";

    private static readonly OciChart Chart = OciChart.Shipped;

    private WebApplication _application = null!;
    private HttpClient _http = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRoutingCore();
        _application = builder.Build();
        _application.UseRouting();
        _application.MapChart();
        await _application.StartAsync(CancellationToken);
        _http = new HttpClient { BaseAddress = new Uri(_application.Urls.Single()) };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _application.DisposeAsync();
    }

    [Fact]
    public async Task Get_Root_SaysWhichVersionOfTheSpecification()
    {
        using var answer = await _http.GetAsync("/v2/", CancellationToken);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("registry/2.0", Assert.Single(answer.Headers.GetValues("Docker-Distribution-Api-Version")));
    }

    [Fact]
    public async Task Get_ManifestByTagAndDigest_IsTheSame()
    {
        using var byTag = await _http.GetAsync($"{Repository}/manifests/{Chart.Tag}", CancellationToken);
        var digest = Assert.Single(byTag.Headers.GetValues("Docker-Content-Digest"));

        Assert.Equal(
            await byTag.Content.ReadAsStringAsync(CancellationToken),
            await _http.GetStringAsync($"{Repository}/manifests/{digest}", CancellationToken));
        Assert.Equal(($"\"{digest}\"", "application/vnd.oci.image.manifest.v1+json"),
            (byTag.Headers.ETag!.Tag, byTag.Content.Headers.ContentType!.MediaType));
    }

    [Fact]
    public async Task Head_Blob_HasTheHeadersOfGetAndNoBody()
    {
        var manifest = JsonNode.Parse(await _http.GetStringAsync($"{Repository}/manifests/{Chart.Tag}", CancellationToken))!;
        var layer = manifest["layers"]![0]!;
        using var request = new HttpRequestMessage(HttpMethod.Head, $"{Repository}/blobs/{layer["digest"]}");

        using var answer = await _http.SendAsync(request, CancellationToken);

        Assert.Equal((long)layer["size"]!, answer.Content.Headers.ContentLength);
        Assert.Equal((string?)layer["digest"], Assert.Single(answer.Headers.GetValues("Docker-Content-Digest")));
        Assert.Empty(await answer.Content.ReadAsByteArrayAsync(CancellationToken));
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("?n=0", false)]
    [InlineData("?n=1", true)]
    [InlineData("?n=-1", true)]
    [InlineData("?last=0", true)]
    [InlineData("?last=zzz", false)]
    public async Task Get_Tags_FollowsTheRulesForPaging(string query, bool isListed) => Assert.Equal(
        $$"""{"name":"charts/registry","tags":[{{(isListed ? $"\"{Chart.Tag}\"" : "")}}]}""",
        await _http.GetStringAsync($"{Repository}/tags/list{query}", CancellationToken));

    [Theory]
    [InlineData("GET", "/v2/charts/registry/manifests/latest", 404, "MANIFEST_UNKNOWN")]
    [InlineData("HEAD", "/v2/charts/registry/manifests/latest", 404, "")]
    [InlineData("GET", "/v2/charts/registry/blobs/sha256:0000", 404, "BLOB_UNKNOWN")]
    [InlineData("GET", "/v2/charts/other/tags/list", 404, "NAME_UNKNOWN")]
    [InlineData("GET", "/v2/_catalog", 404, "NAME_UNKNOWN")]
    [InlineData("GET", "/v2/charts/registry/referrers/sha256:00", 404, "UNSUPPORTED")]
    [InlineData("GET", "/v2/charts/registry/manifests/..%2f..%2f..%2fhealthz", 404, "MANIFEST_UNKNOWN")]
    [InlineData("POST", "/v2/charts/registry/blobs/uploads/", 405, "UNSUPPORTED")]
    [InlineData("PUT", "/v2/charts/registry/manifests/0.1.0", 405, "UNSUPPORTED")]
    [InlineData("DELETE", "/v2/charts/registry/manifests/0.1.0", 405, "UNSUPPORTED")]
    [InlineData("GET", "/charts/registry-0.1.0.tgz", 404, "")]
    public async Task Send_AnythingElse_IsRefusedInTheFormOfTheSpecification(string method, string path, int status, string code)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var answer = await _http.SendAsync(request, CancellationToken);
        var body = await answer.Content.ReadAsStringAsync(CancellationToken);

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(code, body.Length == 0 ? "" : (string?)JsonNode.Parse(body)!["errors"]![0]!["code"]);
        if (status == 405)
            Assert.Equal(["GET", "HEAD"], answer.Content.Headers.Allow.Order());
    }
}
