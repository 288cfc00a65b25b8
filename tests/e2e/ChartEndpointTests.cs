using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>The registry chart as the published program serves it: to plain HTTP clients, to both Helms and to skopeo.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class ChartEndpointTests(EmbeddedEnvironment fixture)
{
    private const string Repository = "/v2/charts/registry";
    private static readonly string Version = ServiceVersion.Text;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Get_EveryPathOfAPull_IsServedByTagAndDigest()
    {
        await using var service = await StartAsync();
        using var http = service.CreateHttpClient();

        using var probe = await http.GetAsync("/v2/", CancellationToken);
        Assert.Equal(HttpStatusCode.OK, probe.StatusCode);
        Assert.Equal("registry/2.0", Assert.Single(probe.Headers.GetValues("Docker-Distribution-Api-Version")));
        Assert.Equal(
            $$"""{"name":"charts/registry","tags":["{{Version}}"]}""",
            await http.GetStringAsync($"{Repository}/tags/list", CancellationToken));
        Assert.Equal(
            """{"name":"charts/registry","tags":[]}""",
            await http.GetStringAsync($"{Repository}/tags/list?last={Version}", CancellationToken));
        Assert.Equal(
            """{"name":"charts/registry","tags":[]}""", await http.GetStringAsync($"{Repository}/tags/list?n=0", CancellationToken));

        var (manifest, digest) = await FetchAsync(http, $"{Repository}/manifests/{Version}", "application/vnd.oci.image.manifest.v1+json");
        Assert.Equal(
            manifest, (await FetchAsync(http, $"{Repository}/manifests/{digest}", "application/vnd.oci.image.manifest.v1+json")).Content);
        var json = JsonNode.Parse(manifest)!;
        foreach (var descriptor in new[] { json["config"]!, json["layers"]![0]! })
        {
            var (blob, blobDigest) = await FetchAsync(http, $"{Repository}/blobs/{descriptor["digest"]}", (string)descriptor["mediaType"]!);
            Assert.Equal((string?)descriptor["digest"], blobDigest);
            Assert.Equal((int)descriptor["size"]!, blob.Length);
        }
    }

    [Theory]
    [InlineData("helm3")]
    [InlineData("helm4")]
    public async Task Helm_PullsTheChart_ByVersionAndAuthority(string helm)
    {
        await using var service = await StartAsync();
        await using var folder = ScratchFolder.Create("capi-registry-hook-helm-");
        var authority = folder.Write("ca.crt", service.CertificateAuthorityPem);

        var run = await RunNamedAsync(service, folder, helm, ["pull", $"oci://{HostOf(service)}/charts/registry", "--version", Version,
            "--ca-file", authority, "--destination", folder.Path]);

        Assert.True(run.ExitCode == 0, run.Errors);
        using var http = service.CreateHttpClient();
        var manifest = JsonNode.Parse(await http.GetStringAsync($"{Repository}/manifests/{Version}", CancellationToken))!;
        var pulled = await File.ReadAllBytesAsync(folder[$"registry-{Version}.tgz"], CancellationToken);
        Assert.Equal((string?)manifest["layers"]![0]!["digest"], "sha256:" + Convert.ToHexStringLower(SHA256.HashData(pulled)));
        var values = await RunNamedAsync(service, folder, helm, ["show", "values", folder[$"registry-{Version}.tgz"]]);
        Assert.Equal(
            await File.ReadAllTextAsync(Path.Combine(RepositoryRoot.Find(), "charts", "registry", "values.yaml"), CancellationToken),
            values.Output.TrimEnd('\n') + "\n");
    }

    [Theory]
    [InlineData("helm3")]
    [InlineData("helm4")]
    public async Task Helm_WithAnotherAuthority_RefusesTheServer(string helm)
    {
        await using var service = await StartAsync();
        await using var folder = ScratchFolder.Create("capi-registry-hook-helm-");
        using var stranger = LoopbackAuthority.Create(TimeProvider.System);
        var authority = folder.Write("ca.crt", stranger.CertificatePem);

        var run = await RunNamedAsync(service, folder, helm, ["pull", $"oci://{HostOf(service)}/charts/registry", "--version", Version,
            "--ca-file", authority, "--destination", folder.Path]);

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("certificate", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Skopeo_ListsInspectsAndCopiesTheChart()
    {
        await using var service = await StartAsync();
        await using var folder = ScratchFolder.Create("capi-registry-hook-skopeo-");
        Directory.CreateDirectory(folder["certs"]);
        folder.Write("certs/ca.crt", service.CertificateAuthorityPem);
        var reference = $"docker://{HostOf(service)}/charts/registry";

        var tags = await RunNamedAsync(service, folder, "skopeo", ["list-tags", "--cert-dir", folder["certs"], reference]);
        var raw =
            await RunNamedAsync(service, folder, "skopeo", ["inspect", "--raw", "--cert-dir", folder["certs"], $"{reference}:{Version}"]);
        var copy = await RunNamedAsync(service, folder, "skopeo",
            ["--insecure-policy", "copy", "--src-cert-dir", folder["certs"], $"{reference}:{Version}", $"dir:{folder["copy"]}"]);

        Assert.True(tags.ExitCode == 0, tags.Errors);
        Assert.Equal(Version, (string?)JsonNode.Parse(tags.Output)!["Tags"]![0]);
        using var http = service.CreateHttpClient();
        Assert.Equal(await http.GetStringAsync($"{Repository}/manifests/{Version}", CancellationToken), raw.Output);
        Assert.True(copy.ExitCode == 0, copy.Errors);
        Assert.Equal(raw.Output, await File.ReadAllTextAsync(folder["copy/manifest.json"], CancellationToken));
    }

    private static async Task<(byte[] Content, string Digest)> FetchAsync(HttpClient http, string path, string mediaType)
    {
        using var answer = await http.GetAsync(path, CancellationToken);
        using var headRequest = new HttpRequestMessage(HttpMethod.Head, path);
        using var head = await http.SendAsync(headRequest, CancellationToken);
        var content = await answer.Content.ReadAsByteArrayAsync(CancellationToken);
        var digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(CancellationToken));
        foreach (var either in new[] { answer, head })
        {
            Assert.Equal(mediaType, either.Content.Headers.ContentType?.MediaType);
            Assert.Equal(content.Length, either.Content.Headers.ContentLength);
            Assert.Equal(digest, Assert.Single(either.Headers.GetValues("Docker-Content-Digest")));
            Assert.Equal($"\"{digest}\"", either.Headers.ETag?.Tag);
        }

        return (content, digest);
    }

    private async Task<HookService> StartAsync()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        return await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
    }

    private static string HostOf(HookService service) => $"{LoopbackAuthority.HostName}:{service.Address.Port}";

    /// <summary>
    /// Runs a tool where the name of the serving certificate leads to the loopback address: in a mount namespace with its own hosts file.
    /// </summary>
    private static async Task<ProgramRun> RunNamedAsync(HookService service, ScratchFolder folder, string tool, string[] arguments)
    {
        var hosts = folder.Write("hosts", $"{service.Address.Host} {LoopbackAuthority.HostName}\n");
        var program = await TestTools.PathOfAsync(tool);
        string[] unprivileged = Environment.IsPrivilegedProcess ? [] : ["--user", "--map-root-user"];
        return await ProgramRun.RunAsync(
            "unshare",
            [.. unprivileged, "--mount", "sh", "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\"", hosts, program, .. arguments],
            CancellationToken,
            environment: new Dictionary<string, string?> { ["HOME"] = folder.Path, ["HELM_CACHE_HOME"] = folder["helm"],
            ["XDG_RUNTIME_DIR"] = folder.Path });
    }
}
