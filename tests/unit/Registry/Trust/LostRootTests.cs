using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Unit.Tests.Registry.Trust;

/// <summary>
/// A root that was lost is not replaced when the next cluster is created: its nodes would trust another root than all others.
/// </summary>
public sealed class LostRootTests : IAsyncLifetime
{
    private RotationFixture _fixture = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _fixture = await RotationFixture.StartAsync();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Ensure_HelmChartProxyNamesARoot_RefusesAndSaysHowToRestore()
    {
        await AddReleaseAsync("c9-registry", "0123456789abcdef");

        var reason = await RefusalAsync();

        Assert.Contains(
            "does not exist, but the HelmChartProxy team-a/c9-registry has a certificate from the root 0123456789abcdef", reason,
            StringComparison.Ordinal);
        Assert.Contains("capi-registry-hook root import", reason, StringComparison.Ordinal);
        Assert.Null(await _fixture.FindAsync(RotationFixture.Root));
    }

    [Fact]
    public async Task Ensure_AnotherClustersTrustSecret_Refuses()
    {
        await AddClusterAsync("c2");
        var other = Clusters.Plan(Clusters.With(name: "c2"), _fixture.Options);
        using (var roots = await _fixture.RootsAsync())
            await _fixture.Trust.EnsureAsync(other, roots, null, nodesExist: false, [], CancellationToken);
        var id = await _fixture.IdAsync(RotationFixture.Root);
        await _fixture.DeleteAsync(RotationFixture.Root);

        Assert.Contains(
            $"the Secret team-a/c2-registry-addon-ca makes nodes trust the root {id}", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ensure_ReleaseInANamespaceThatIsWatched_IsSeenAndNoOtherNamespaceIsListed()
    {
        await AddReleaseAsync("c9-registry", "0123456789abcdef");
        var options = _fixture.Options with { WatchNamespaces = [RotationFixture.Root.Namespace, "team-a"] };
        _fixture.Server.ClearCalls();

        var result =
            await new RootAuthority(_fixture.Client, options, _fixture.Time).EnsureAsync(
                _fixture.Plan, mayCreate: true, [], CancellationToken);

        Assert.Equal(OutcomeKind.Refused, result.Stop!.Kind);
        Assert.DoesNotContain(_fixture.Server.Calls, call => call.Verb == "list" && string.IsNullOrEmpty(call.Namespace));
    }

    [Fact]
    public async Task Ensure_NobodyHasARoot_CreatesOne()
    {
        await AddReleaseAsync("c8-registry", null);
        await AddClusterAsync("c2");
        (await _fixture.RootsAsync()).Dispose();
        Assert.NotNull(await _fixture.FindAsync(RotationFixture.Root));
    }

    [Fact]
    public async Task Ensure_RootThere_LooksForNothing()
    {
        (await _fixture.RootsAsync()).Dispose();
        await AddReleaseAsync("c9-registry", "0123456789abcdef");
        _fixture.Server.ClearCalls();
        (await _fixture.RootsAsync()).Dispose();
        Assert.Equal(["get"], _fixture.Server.Calls.Select(call => call.Verb));
    }

    private async Task<string> RefusalAsync()
    {
        var result = await new RootAuthority(_fixture.Client, _fixture.Options, _fixture.Time)
            .EnsureAsync(_fixture.Plan, mayCreate: true, [], CancellationToken);
        Assert.Equal(OutcomeKind.Refused, result.Stop!.Kind);
        return result.Stop.Reason!;
    }

    private Task<JsonObject> AddReleaseAsync(string name, string? issuer) => _fixture.Objects.CreateAsync(
        "/apis/addons.cluster.x-k8s.io/v1alpha1/namespaces/team-a/helmchartproxies",
        new JsonObject
        {
            ["apiVersion"] = "addons.cluster.x-k8s.io/v1alpha1",
            ["kind"] = "HelmChartProxy",
            ["metadata"] = new JsonObject
            {
                ["name"] = name,
                ["labels"] = new JsonObject { ["app.kubernetes.io/managed-by"] = ObjectLabels.FieldManager },
                ["annotations"] = issuer is null ? null : new JsonObject { [RootAnnotations.CertificateIssuer] = issuer },
            },
            ["spec"] = new JsonObject { ["chartName"] = "registry", ["repoURL"] = "oci://example.com",
            ["clusterSelector"] = new JsonObject() },
        }, CancellationToken);

    private Task<JsonObject> AddClusterAsync(string name) => _fixture.Objects.CreateAsync(
        "/apis/cluster.x-k8s.io/v1beta2/namespaces/team-a/clusters",
        new JsonObject
        {
            ["apiVersion"] = "cluster.x-k8s.io/v1beta2",
            ["kind"] = "Cluster",
            ["metadata"] = new JsonObject { ["name"] = name },
            ["spec"] = JsonNode.Parse("""
                {
                  "topology": {
                    "version": "v1.33.0",
                    "variables": [{ "name": "clusterConfig", "value": { "addons": { "registry": {} } } }]
                  }
                }
                """),
        }, CancellationToken);
}
