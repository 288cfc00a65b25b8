using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Unit.Tests.Registry.Trust;

namespace CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

/// <summary>Which clusters a rotation waits for.</summary>
public sealed class RotationProgressTests : IAsyncLifetime
{
    private const string Next = "00000000000000ff";
    private const string Releases = "/apis/addons.cluster.x-k8s.io/v1alpha1/namespaces/team-a/helmchartproxies";
    private const string ClusterPath = "/apis/cluster.x-k8s.io/v1beta2/namespaces/team-a/clusters";

    private RotationFixture _fixture = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _fixture = await RotationFixture.StartAsync();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Theory]
    [InlineData(Next, "1", "1", null)]
    [InlineData(Next, "1", "2", "team-a/c1")]
    [InlineData(Next, "1", null, "team-a/c1")]
    [InlineData("00000000000000aa", "1", "1", "team-a/c1")]
    [InlineData(null, null, null, "team-a/c1")]
    public async Task FindClusterNotRotated_OneCluster_GoesByWhatIsServed(string? issuer, string? serial, string? served, string? laggard)
    {
        await AddClusterAsync("c1", new JsonObject());
        await AddReleaseAsync("c1", issuer, serial, served);
        Assert.Equal(laggard, await FindClusterNotRotatedAsync());
    }

    [Fact]
    public async Task FindClusterNotRotated_ClustersThatNobodyLooksAfter_AreNotWaitedFor()
    {
        await AddClusterAsync("paused", new JsonObject { ["spec"] = new JsonObject { ["paused"] = true } });
        await AddClusterAsync("marked",
            new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["cluster.x-k8s.io/paused"] = "" } } });
        foreach (var name in new[] { "paused", "marked", "gone" })
            await AddReleaseAsync(name, "00000000000000aa", "1", "1");
        Assert.Null(await FindClusterNotRotatedAsync());
        Assert.Null(await FindClusterNotRotatedAsync("elsewhere"));
        await AddClusterAsync("late", new JsonObject());
        await AddReleaseAsync("late", "00000000000000aa", "1", "1");
        Assert.Equal("team-a/late", await FindClusterNotRotatedAsync());
        Assert.Equal("team-a/late", await FindClusterNotRotatedAsync("team-a"));
    }

    /// <summary>Nobody may hold the rotation of all clusters with an object that only looks like a release of ours.</summary>
    [Fact]
    public async Task FindClusterNotRotated_StrayReleases_AreNotWaitedFor()
    {
        await AddClusterAsync("without", new JsonObject(), wantsRegistry: false);
        await AddReleaseAsync("without", null, null, null);
        await AddClusterAsync("c1", new JsonObject());
        await AddReleaseAsync("c1", Next, "1", "1");
        await AddReleaseAsync("c1", null, null, null, name: "c1-copy");
        Assert.Null(await FindClusterNotRotatedAsync());

        await _fixture.Objects.DeleteIfThereAsync(Releases, "c1-registry", CancellationToken);
        await AddReleaseAsync("c1", null, null, null);
        Assert.Equal("team-a/c1", await FindClusterNotRotatedAsync());
        await _fixture.Objects.DeleteIfThereAsync(ClusterPath, "c1", CancellationToken);
        await AddClusterAsync("c1", new JsonObject());
        Assert.Null(await FindClusterNotRotatedAsync());
    }

    /// <summary>The API server takes any name of an owner, and one that is no name must not stop what goes over the whole fleet.</summary>
    [Theory]
    [InlineData("../secrets")]
    [InlineData("a/b")]
    [InlineData("..")]
    public async Task FindClusterNotRotated_OwnerWithAnImpossibleName_IsPassedOver(string owner)
    {
        await AddReleaseAsync(owner, null, null, null, name: "stray");
        Assert.Null(await FindClusterNotRotatedAsync());
        Assert.Equal(TrustBundle.Empty, await Progress().TrustedAsync(CancellationToken));
    }

    /// <summary>An unreachable cluster holds a rotation for weeks, and every 15 s somebody asks.</summary>
    [Fact]
    public async Task FindClusterNotRotated_AskedAgain_AsksForTheSameClusterFirst()
    {
        foreach (var name in new[] { "c1", "c2", "c3" })
        {
            await AddClusterAsync(name, new JsonObject());
            await AddReleaseAsync(name, name == "c3" ? null : Next, "1", "1");
        }

        var progress = Progress();
        Assert.Equal("c3", (await progress.FindClusterNotRotatedAsync(Next, CancellationToken))?.Name);
        var before = _fixture.Server.Calls.Count;
        Assert.Equal("c3", (await progress.FindClusterNotRotatedAsync(Next, CancellationToken))?.Name);
        Assert.Equal(2, _fixture.Server.Calls.Count - before);

        await _fixture.Objects.DeleteIfThereAsync(ClusterPath, "c3", CancellationToken);
        Assert.Null(await progress.FindClusterNotRotatedAsync(Next, CancellationToken));
    }

    [Fact]
    public async Task FindClusterNotRotated_ReleaseOnItsWayOut_IsNotWaitedFor()
    {
        await AddClusterAsync("c1", new JsonObject());
        await AddReleaseAsync("c1", "00000000000000aa", "1", "1");
        await _fixture.Objects.MergePatchAsync(Releases, "c1-registry",
            new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = new JsonArray("helm.test/uninstall") } }, CancellationToken);
        Assert.Equal("team-a/c1", await FindClusterNotRotatedAsync());
        await _fixture.Objects.DeleteIfThereAsync(Releases, "c1-registry", CancellationToken);
        Assert.NotNull(await _fixture.Objects.FindAsync(Releases, "c1-registry", CancellationToken));
        Assert.Null(await FindClusterNotRotatedAsync());
    }

    [Fact]
    public async Task Trusted_AllClusters_IsTheUnionOfTheirBundles()
    {
        await _fixture.TrustAsync(nodesExist: false);
        await AddReleaseAsync("c1", Next, "1", "1");
        await AddReleaseAsync("without", Next, "1", "1");
        Assert.Equal(await _fixture.BundleAsync(), await Progress().TrustedAsync(CancellationToken));
        Assert.Equal(TrustBundle.Empty, await Progress("elsewhere").TrustedAsync(CancellationToken));
    }

    private async Task<string?> FindClusterNotRotatedAsync(params string[] namespaces) =>
        (await Progress(namespaces).FindClusterNotRotatedAsync(Next, CancellationToken))?.ToString();

    private RotationProgress Progress(params string[] namespaces) => new(
        _fixture.Client, _fixture.Options with { WatchNamespaces = namespaces });

    private Task<JsonObject> AddClusterAsync(string name, JsonObject more, bool wantsRegistry = true)
    {
        var cluster = TestEnvironment.NewCluster(name);
        cluster["metadata"]!["annotations"] = more["metadata"]?["annotations"]?.DeepClone();
        cluster["spec"]!["paused"] = more["spec"]?["paused"]?.DeepClone();
        if (!wantsRegistry)
            cluster["spec"]!["topology"]!["variables"] = new JsonArray();
        return _fixture.Objects.CreateAsync(ClusterPath, cluster, CancellationToken);
    }

    private async Task<JsonObject> AddReleaseAsync(string cluster, string? issuer, string? serial, string? served, string? name = null)
    {
        var owner = cluster.Contains('/', StringComparison.Ordinal) || cluster == ".."
            ? null : await _fixture.Objects.FindAsync(ClusterPath, cluster, CancellationToken);
        var annotations = new JsonObject();
        foreach (var (key, value) in new[]
        {
            ("issuer", issuer), ("serial", serial), ("served", served), ("algorithm", "ECDSA-P256"), ("names", "digest"),
            ("not-before", "2031-01-01T00:00:00Z"), ("not-after", "2033-01-01T00:00:00Z"),
        })
        {
            if (value is not null)
                annotations[$"capi-registry-hook.io/certificate-{key}"] = value;
        }

        return await _fixture.Objects.CreateAsync(Releases, new JsonObject
        {
            ["apiVersion"] = "addons.cluster.x-k8s.io/v1alpha1",
            ["kind"] = "HelmChartProxy",
            ["metadata"] = new JsonObject
            {
                ["name"] = name ?? $"{cluster}-registry",
                ["labels"] = new JsonObject { ["app.kubernetes.io/managed-by"] = "capi-registry-hook" },
                ["annotations"] = annotations,
                ["ownerReferences"] = new JsonArray(new JsonObject { ["apiVersion"] = "cluster.x-k8s.io/v1beta2", ["kind"] = "Cluster",
                ["name"] = cluster, ["uid"] = (string?)owner?["metadata"]!["uid"] ?? "gone" }),
            },
            ["spec"] = new JsonObject { ["clusterSelector"] = new JsonObject(), ["repoURL"] = "oci://registry",
            ["chartName"] = "registry" },
        }, CancellationToken);
    }
}
