using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Registry.Reconciliation;
using Xunit;

namespace CapiRegistryHook.Unit.Tests.Registry.Rotation;

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
        Assert.Equal(
            await _fixture.BundleAsync(), await new RotationProgress(_fixture.Client, "v1beta2", []).TrustedAsync(CancellationToken));
        Assert.Equal(
            TrustBundle.Empty, await new RotationProgress(_fixture.Client, "v1beta2", ["elsewhere"]).TrustedAsync(CancellationToken));
    }

    private async Task<string?> FindClusterNotRotatedAsync(params string[] namespaces) =>
        (await new RotationProgress(_fixture.Client, "v1beta2", namespaces).FindClusterNotRotatedAsync(
            Next, CancellationToken))?.ToString();

    private Task<JsonObject> AddClusterAsync(string name, JsonObject more)
    {
        more["apiVersion"] = "cluster.x-k8s.io/v1beta2";
        more["kind"] = "Cluster";
        more["metadata"] ??= new JsonObject();
        more["metadata"]!["name"] = name;
        more["spec"] ??= new JsonObject();
        return _fixture.Objects.CreateAsync(ClusterPath, more, CancellationToken);
    }

    private Task<JsonObject> AddReleaseAsync(string cluster, string? issuer, string? serial, string? served)
    {
        var annotations = new JsonObject();
        foreach (var (key, value) in new[]
        {
            ("issuer", issuer), ("serial", serial), ("served", served), ("request", "d"), ("not-before", "2031-01-01T00:00:00Z"),
            ("not-after", "2033-01-01T00:00:00Z"),
        })
        {
            if (value is not null)
                annotations[$"capi-registry-hook.io/certificate-{key}"] = value;
        }

        return _fixture.Objects.CreateAsync(Releases, new JsonObject
        {
            ["apiVersion"] = "addons.cluster.x-k8s.io/v1alpha1",
            ["kind"] = "HelmChartProxy",
            ["metadata"] = new JsonObject
            {
                ["name"] = $"{cluster}-registry",
                ["labels"] = new JsonObject { ["app.kubernetes.io/managed-by"] = "capi-registry-hook" },
                ["annotations"] = annotations,
                ["ownerReferences"] = new JsonArray(new JsonObject { ["apiVersion"] = "cluster.x-k8s.io/v1beta2", ["kind"] = "Cluster",
                ["name"] = cluster, ["uid"] = $"uid-of-{cluster}" }),
            },
            ["spec"] = new JsonObject { ["clusterSelector"] = new JsonObject(), ["repoURL"] = "oci://registry",
            ["chartName"] = "registry" },
        }, CancellationToken);
    }
}
