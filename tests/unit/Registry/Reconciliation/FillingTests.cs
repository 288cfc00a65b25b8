using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

/// <summary>A new registry is ready when it holds what was declared for it, and nothing is asked once it is.</summary>
public sealed class FillingTests : IDisposable
{
    private const string Contents = "/apis/capi-registry-hook.io/v1alpha1/namespaces/team-a/registrycontents";
    private const string Clusters = "/apis/cluster.x-k8s.io/v1beta2/namespaces/team-a/clusters";

    private readonly ReconcilerFixture _fixture = new();
    private readonly RegistryLifecycle _replica;

    public FillingTests() => _replica = _fixture.NewReplica(_fixture.Options with { ContentGate = ContentGateMode.On });

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task Reconcile_ContentIsNotThere_IsFillingAndHoldsNothingUp()
    {
        await CreateContentAsync();
        await _fixture.AddClusterAsync();
        await ReconcileAsync();

        var filling = await ReconcileAsync();
        var again = await ReconcileAsync();

        Assert.Equal(
            (ClusterPhase.Filling, "The registry does not hold what was declared for it yet: 1 of 1 RegistryContent is incomplete."),
            (filling.Phase, filling.Reason));
        Assert.Equal(filling.Reason, again.Reason);
        Assert.NotNull(filling.Certificate);
        Assert.Single(await _fixture.Objects.ListAsync(ReconcilerFixture.Releases, CancellationToken));
        Assert.Equal(("False", "Filling"), await ConditionAsync());
    }

    [Fact]
    public async Task Reconcile_MirrorsAreStrict_SaysSo()
    {
        await CreateContentAsync();
        await _fixture.AddClusterAsync();
        await _fixture.PatchClusterAsync(JsonNode.Parse(
            """{"spec":{"topology":{"variables":[{"name":"clusterConfig","value":{"addons":{"registry":{"mirror":{"strict":true}}}}}]}}}""")!.AsObject());
        await ReconcileAsync();

        Assert.EndsWith(" Its mirrors are strict: nodes can't pull what is missing from anywhere else.", (await ReconcileAsync()).Reason,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reconcile_ContentIsSuspendedOrForOthers_IsReady(bool suspends)
    {
        await CreateContentAsync(spec =>
        {
            if (suspends)
                spec["suspend"] = true;
            else
                spec["clusterSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["no"] = "cluster" } };
        });
        await _fixture.AddClusterAsync();
        await ReconcileAsync();

        Assert.Equal(ClusterPhase.Ready, (await ReconcileAsync()).Phase);
    }

    /// <summary>Content that is declared for a ready registry makes it unready for nobody, and costs its reconciles no call.</summary>
    [Fact]
    public async Task Reconcile_WasReadyBefore_StaysReadyWithoutACall()
    {
        await _fixture.AddClusterAsync();
        await ReconcileAsync();
        Assert.Equal(ClusterPhase.Ready, (await ReconcileAsync()).Phase);
        Assert.Equal(("True", "Ready"), await ConditionAsync());
        await CreateContentAsync();
        _fixture.Time.Advance(TimeSpan.FromMinutes(5));
        var (management, workload) = (_fixture.Management.CallCount, _fixture.Workload.CallCount);

        Assert.Equal(ClusterPhase.Ready, (await ReconcileAsync()).Phase);
        Assert.Equal((4, 0), (_fixture.Management.CallCount - management, _fixture.Workload.CallCount - workload));
    }

    private Task<ReconcileResult> ReconcileAsync() => _fixture.ReconcileAsync(_replica);

    private async Task<(string?, string?)> ConditionAsync()
    {
        var cluster = await _fixture.Objects.GetAsync(Clusters, "c1", CancellationToken);
        var condition = Assert.Single(cluster["status"]!["conditions"]!.AsArray());
        return ((string?)condition!["status"], (string?)condition["reason"]);
    }

    /// <summary>As the syncer has not seen it yet.</summary>
    private async Task CreateContentAsync(Action<JsonObject>? change = null)
    {
        var content = TestContent.FromRegistry("images", "registry.example.com", "registry.k8s.io/pause:3.10");
        change?.Invoke(content["spec"]!.AsObject());
        await _fixture.Objects.CreateAsync(Contents, content, CancellationToken);
    }
}
