using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Unit.Tests.Certificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Release;

/// <summary>How long a fault may block an upgrade, with and without a mark on the Cluster.</summary>
public sealed class UpgradeBlockDeadlineTests : IDisposable
{
    private const string Version = "v1.34.0";
    private const string Held = "capi-registry-hook.io/upgrade-held";

    private readonly FixedTime _time = new(Samples.Present);
    private readonly InProcessApi _api;
    private readonly AdminClient _objects;
    private readonly KubernetesClient _client;
    private readonly UpgradeBlockDeadline _deadline;

    public UpgradeBlockDeadlineTests()
    {
        _api = new InProcessApi(new Uri("https://management.test"), _time, "team-a");
        _objects = new AdminClient(_api);
        _client = new KubernetesClient(
            new ClusterConnection { Server = _api.Address, Credentials = new StaticToken(_api.Token) },
            new KubernetesClientOptions { CreateHandler = _ => _api.CreateHandler(), MaxAttempts = 1 }, _time);
        _deadline = NewReplica();
    }

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _client.Dispose();
        _objects.Dispose();
    }

    [Fact]
    public async Task IsOver_MarkOnTheCluster_CountsForEveryReplica()
    {
        await CreateAsync();

        Assert.False(await IsOverAsync(_deadline));
        _time.Advance(TimeSpan.FromMinutes(9.9));
        Assert.False(await IsOverAsync(NewReplica()));
        _time.Advance(TimeSpan.FromMinutes(0.2));
        Assert.True(await IsOverAsync(NewReplica()));

        var warning = Assert.Single(await _objects.ListAsync(AdminClient.Events("team-a"), CancellationToken));
        Assert.Equal(("Warning", "RegistryNotRefreshed"), ((string?)warning["type"], (string?)warning["reason"]));
    }

    [Fact]
    public async Task IsOver_ClusterCannotBeAnnotated_EndsByTheMemoryOfTheProcess()
    {
        await CreateAsync();
        _api.InjectFault(call => call is { Verb: "patch", Resource: "clusters" } ? Fault.Status(403, "Forbidden") : null);

        Assert.False(await IsOverAsync(_deadline));
        _time.Advance(TimeSpan.FromMinutes(11));

        Assert.False(await IsOverAsync(NewReplica()));
        Assert.True(await IsOverAsync(_deadline));
    }

    [Fact]
    public async Task IsOver_NextVersion_BeginsAgain()
    {
        await CreateAsync();
        await IsOverAsync(_deadline);
        _time.Advance(TimeSpan.FromMinutes(11));

        Assert.False(await _deadline.IsOverAsync(await ReadAsync(), "v1.35.0", "A fault.", CancellationToken));
        Assert.StartsWith("v1.35.0@", (await ReadAsync()).Metadata.Annotations![Held],
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task End_AfterAFault_RemovesTheMarkAndForgets()
    {
        await CreateAsync();
        await IsOverAsync(_deadline);
        _time.Advance(TimeSpan.FromMinutes(11));

        await _deadline.EndAsync(await ReadAsync(), Version, CancellationToken);

        Assert.Null((await ReadAsync()).Metadata.Annotations?.GetValueOrDefault(Held));
        Assert.False(await IsOverAsync(_deadline));
    }

    /// <summary>The present is 2031-05-06, 07:08:09.</summary>
    [Theory]
    [InlineData("v1.33.0@2031-05-06T05:08:09Z")]
    [InlineData("v1.34.0@2031-03-27T07:08:09Z")]
    [InlineData("v1.34.0@2031-05-07T07:08:09Z")]
    [InlineData("v1.34.0@2026-13-01T00:00:00Z")]
    [InlineData("v1.34.0@")]
    [InlineData("v1.34.0")]
    [InlineData("@@@")]
    [InlineData("v1.34.0@9999-12-31T23:59:59Z")]
    [InlineData("v1.34.0@0001-01-01T00:00:00Z")]
    public async Task IsOver_MarkOfAnotherUpgrade_IsReplaced(string mark)
    {
        await CreateAsync(mark);

        Assert.False(await IsOverAsync(_deadline));

        Assert.NotEqual(mark, (await ReadAsync()).Metadata.Annotations![Held]);
    }

    private UpgradeBlockDeadline NewReplica() =>
        new(_client, UpgradeBlock.Fault(new RegistryOptions { UpgradeBlockLimit = TimeSpan.FromMinutes(10) }), _time);

    private async Task<bool> IsOverAsync(UpgradeBlockDeadline replica) =>
        await replica.IsOverAsync(await ReadAsync(), Version, "A fault.", CancellationToken);

    private async Task<Cluster> ReadAsync() => Clusters.Read(
        (await _objects.GetAsync(AdminClient.Clusters("team-a"), "c1", CancellationToken)).ToJsonString());

    private async Task CreateAsync(string? mark = null)
    {
        var cluster = TestEnvironment.NewCluster("c1");
        if (mark is not null)
            cluster["metadata"]!["annotations"] = new JsonObject { [Held] = mark };
        await _objects.CreateAsync(AdminClient.Clusters("team-a"), cluster, CancellationToken);
    }
}
