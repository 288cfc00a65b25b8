using System.Net;
using System.Text;
using CapiRegistryHook.Content.Charts;
using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.Unit.Tests.Content;

public sealed class ChartTests : IAsyncDisposable
{
    private const string ChartYaml = """
        apiVersion: v2
        name: web
        version: 1.10.0+build.1
        appVersion: 1.10
        description: A chart
        deprecated: false
        annotations:
          artifacthub.io/images: |
            - name: web
              image: nginx:1.25
            - name: other
              image: ghcr.io/a/b:2
        """;

    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-chart-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _folder.DisposeAsync();

    [Fact]
    public void Open_Folder_IsPackedAlwaysTheSame()
    {
        using var one = ChartSource.Open(Write("one"));
        using var other = ChartSource.Open(Write("other"));
        Assert.Equal(one.Root.Digest, other.Root.Digest);
        Assert.Equal(("web", "1.10.0+build.1", "1.10.0_build.1"), (one.Name, one.Version, one.Tag));
        Assert.Equal(["nginx:1.25", "ghcr.io/a/b:2"], one.AnnotatedImages);
        Assert.Equal(["docker.io/bitnami/redis:7"], one.LockedImages);
    }

    [Fact]
    public async Task Open_Folder_LeavesOutWhatHelmIgnores()
    {
        var path = Write("one");
        using var before = ChartSource.Open(path);
        Directory.CreateDirectory(Path.Combine(path, ".git"));
        await File.WriteAllTextAsync(Path.Combine(path, ".git", "HEAD"), "x", Cancelled);
        await File.WriteAllTextAsync(Path.Combine(path, "notes.bak"), "x", Cancelled);
        using var after = ChartSource.Open(path);
        Assert.Equal(before.Root, after.Root);
    }

    [Fact]
    public async Task Chart_Pushed_HasHelmsMediaTypesAndItsConfiguration()
    {
        using var registry = new MemoryRegistry();
        using var client = registry.Client();
        using var chart = ChartSource.Open(Write("one"));
        var report = await ContentCopy.RunAsync(client, [new CopyItem("web", chart, chart.Root, "charts/web", chart.Tag)],
            new CopyOptions(), Cancelled);
        Assert.Empty(report.Failures);
        var manifest = (await client.GetManifestAsync("charts/web", chart.Tag, Cancelled))!;
        Assert.Equal(ContentKind.Chart, ContentKinds.Of(manifest));
        Assert.Equal(MediaTypes.HelmChart, Assert.Single(manifest.Layers).MediaType);
        var config = Encoding.UTF8.GetString(registry.Blobs[$"charts/web@{manifest.Config!.Digest}"]);
        Assert.Contains("\"appVersion\":\"1.10\",\"description\":\"A chart\",\"deprecated\":false", config, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "1.10.0", "https://charts.test/repo/web-1.10.0.tgz")]
    [InlineData("1.9.0", "1.9.0", "https://cdn.test/web-1.9.0.tgz")]
    [InlineData("2.0.0-rc.1", "2.0.0-rc.1", "https://charts.test/repo/rc.tgz")]
    public async Task Find_InAnIndex_IsTheNewestReleaseOrTheVersion(string? version, string found, string url)
    {
        using var server = new Files(("/repo/index.yaml", Index));
        using var repository = new ChartRepository(server, new Uri("https://charts.test/repo"));
        var chart = await repository.FindAsync("web", version, Cancelled);
        Assert.Equal((found, url), (chart.Version, chart.Url.ToString()));
    }

    [Fact]
    public async Task Download_OtherBytesThanTheIndexSays_IsRefused()
    {
        using var server = new Files(("/repo/index.yaml", Index), ("/repo/web-1.10.0.tgz", "not it"));
        using var repository = new ChartRepository(server, new Uri("https://charts.test/repo"));
        var chart = await repository.FindAsync("web", null, Cancelled);
        Assert.Contains("and its repository says",
            (await Assert.ThrowsAsync<ContentException>(() => repository.DownloadAsync(chart, _folder["x.tgz"], Cancelled))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Download_FromAnotherHostThatAsksForALogin_SendsNone()
    {
        var hosts = new List<string>();
        using var server = new MemoryRegistry
        {
            Fault = request =>
            {
                hosts.Add($"{request.RequestUri!.Host} {request.Headers.Authorization}");
                var answer = new HttpResponseMessage(HttpStatusCode.Unauthorized);
                answer.Headers.TryAddWithoutValidation("WWW-Authenticate", "Bearer realm=\"https://evil.test/token\"");
                return answer;
            },
        };
        var options = new RegistryOptions { Logins = new EveryLogin(), Retry = Fixtures.Impatient };
        using var repository = new ChartRepository(server, new Uri("https://charts.test/repo"), options);
        var chart = new ChartLocation("1.0.0", new Uri("https://cdn.test/web.tgz"), Digest: null);
        await Assert.ThrowsAsync<RegistryException>(() => repository.DownloadAsync(chart, _folder["x.tgz"], Cancelled));
        Assert.Equal(["cdn.test "], hosts);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("broken")]
    public async Task Find_WhatIsNotThere_IsRefused(string name)
    {
        using var server = new Files(("/repo/index.yaml", name == "broken" ? "entries: {web: [" : Index));
        using var repository = new ChartRepository(server, new Uri("https://charts.test/repo"));
        await Assert.ThrowsAsync<ContentException>(() => repository.FindAsync(name == "broken" ? "web" : name, null, Cancelled));
    }

    private const string Index = """
        apiVersion: v1
        entries:
          other: [{version: 9.0.0, urls: [x], maintainers: [{name: a}]}]
          web:
          - {version: 1.9.0, urls: ["https://cdn.test/web-1.9.0.tgz"], keywords: [a, b]}
          - version: 2.0.0-rc.1
            urls: [rc.tgz]
          - version: 1.10.0
            annotations: {a: b}
            urls: [web-1.10.0.tgz, second.tgz]
            digest: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
        """;

    private string Write(string name)
    {
        var path = _folder[name];
        Directory.CreateDirectory(Path.Combine(path, "templates"));
        File.WriteAllText(Path.Combine(path, "Chart.yaml"), ChartYaml);
        File.WriteAllText(Path.Combine(path, ".helmignore"), "# comment\n.git/\n*.bak\n!keep.bak\n");
        File.WriteAllText(Path.Combine(path, "Images.lock"), "images:\n- {name: r, image: docker.io/bitnami/redis:7}\n");
        File.WriteAllText(Path.Combine(path, "templates", "x.yaml"), "kind: ConfigMap\n");
        return path;
    }

    private sealed class EveryLogin : IRegistryLogins
    {
        public Task<Login?> FindAsync(string registry, CancellationToken cancellationToken) => Task.FromResult<Login?>(new Login("u", "p"));
    }

    private sealed class Files(params (string Path, string Text)[] files) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var found = Array.Find(files, file => file.Path == request.RequestUri!.AbsolutePath);
            return Task.FromResult(new HttpResponseMessage(found.Text is null ? HttpStatusCode.NotFound
                : HttpStatusCode.OK) { Content = new StringContent(found.Text ?? ""), RequestMessage = request });
        }
    }
}
