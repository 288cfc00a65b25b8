using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Volumes;

namespace CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

/// <summary>How full the volumes of a registry are, from what kubelets say, and what becomes of that.</summary>
public sealed class VolumeCheckTests : IDisposable
{
    private readonly ReconcilerFixture _fixture = new();
    private readonly Dictionary<string, string> _nodes = [];
    private readonly List<string> _asked = [];

    public VolumeCheckTests() => _fixture.Workload.InjectFault(call =>
    {
        if (call is not { Resource: "nodes", Subresource: "proxy/stats/summary" })
            return null;
        _asked.Add(call.Name);
        return _nodes.TryGetValue(call.Name, out var summary)
            ? Fault.Raw(200, "application/json", summary) : Fault.Status(503, "ServiceUnavailable");
    });

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task Read_TwoNodes_AsksEachOnceAndWritesDownWhatChanged()
    {
        await InstallAsync(("registry-0", "n1"), ("registry-1", "n2"), ("registry-cache-docker-io-0", "n2"));
        _nodes["n1"] = Summary(Pod("registry-0", Volume(1000, 400)), Pod("someone", Volume(1, 1)));
        _nodes["n2"] = Summary(Pod("registry-1", Volume(1000, 300)), Pod("registry-cache-docker-io-0", Volume(500, 500)));

        var volumes = await ReadAsync();

        Assert.Equal(
            [new("registry-0", 1000, 600, 100, 10), new("registry-1", 1000, 700, 100, 10),
            new("registry-cache-docker-io-0", 500, 0, 100, 10)],
            volumes!);
        Assert.Equal(["n1", "n2"], _asked);
        Assert.Equal(volumes, (await _fixture.ReconcileAsync(_fixture.NewReplica())).Volumes);
        var written = await VersionAsync();
        Assert.NotNull(await ReadAsync());
        Assert.Equal(written, await VersionAsync());
        _nodes["n1"] = Summary(Pod("registry-0", Volume(1000, 390)));
        Assert.Equal(610, (await ReadAsync())![0].Used);
        Assert.NotEqual(written, await VersionAsync());
    }

    /// <summary>A note about volumes is nothing to reconcile for, and a reconcile does not take it away.</summary>
    [Fact]
    public async Task Read_Written_IsKeptByReconcilesThatCallNoWorkloadCluster()
    {
        await InstallAsync(("registry-0", "n1"));
        _nodes["n1"] = Summary(Pod("registry-0", Volume(1000, 400)));
        await ReadAsync();
        var (calls, version) = (_fixture.Workload.CallCount, await VersionAsync());

        Assert.NotNull((await _fixture.ReconcileAsync()).Volumes);

        Assert.Equal((calls, version), (_fixture.Workload.CallCount, await VersionAsync()));
    }

    [Fact]
    public async Task Read_AroundTheThreshold_TellsOnceAndAgainWhenThereIsSpace()
    {
        await InstallAsync(("registry-0", "n1"));
        foreach (var free in (int[])[210, 200, 190, 210, 240, 260, 210])
        {
            _nodes["n1"] = Summary(Pod("registry-0", Volume(1000, free)));
            await ReadAsync();
        }

        Assert.Equal(["VolumeFilling", "VolumeFreed"], await ReasonsAsync());
        Assert.False((await RecordAsync())!.IsFilling);
    }

    [Fact]
    public async Task Read_NoInodesLeft_CountsAsFull()
    {
        await InstallAsync(("registry-0", "n1"));
        _nodes["n1"] = Summary(
            Pod("registry-0", Volume(1000, 900).Replace("\"inodesFree\":90", "\"inodesFree\":3", StringComparison.Ordinal)));

        Assert.Equal(97, Assert.Single((await ReadAsync())!).Percent);
        Assert.Equal(["VolumeFilling"], await ReasonsAsync());
    }

    [Fact]
    public async Task Read_StorageWithoutStatistics_SaysSo()
    {
        await InstallAsync(("registry-0", "n1"));
        _nodes["n1"] = Summary(Pod("registry-0", """{"name":"tls","capacityBytes":1,"availableBytes":1}"""));

        Assert.Empty((await ReadAsync())!);
        Assert.Empty((await RecordAsync())!.Volumes);
    }

    /// <summary>A kubelet measures a new pod after a minute, and a broken one nothing.</summary>
    [Fact]
    public async Task Read_NothingMeasured_IsUnknownAndKeepsWhatWasKnown()
    {
        await InstallAsync(("registry-0", "n1"), ("registry-1", "n2"));
        _nodes["n1"] = Summary(Pod("registry-0", Volume(1000, 400)));
        Assert.Single((await ReadAsync())!);
        var version = await VersionAsync();

        foreach (var summary in (string?[])[null, """{"pods":[]}""", Summary(Pod("registry-0", "")), "no JSON", "null"])
        {
            _nodes.Clear();
            if (summary is not null)
                _nodes["n1"] = summary;
            Assert.Null(await ReadAsync());
        }

        Assert.Equal(version, await VersionAsync());
    }

    [Theory]
    [InlineData("""{"name":"data","capacityBytes":18446744073709551615,"availableBytes":1}""")]
    [InlineData("""{"name":"data","capacityBytes":0,"availableBytes":0}""")]
    [InlineData("""{"name":"data","capacityBytes":1000}""")]
    [InlineData("""null,{"name":"data","capacityBytes":1000,"availableBytes":1,"inodes":18446744073709551615}""")]
    public async Task Read_ImpossibleNumbers_AreNoStatistics(string volume)
    {
        await InstallAsync(("registry-0", "n1"));
        _nodes["n1"] = Summary("null", """{"podRef":null}""", Pod("registry-0", volume));

        Assert.Empty((await ReadAsync())!);
    }

    [Fact]
    public async Task Read_MoreAvailableThanThereIs_IsEmpty()
    {
        await InstallAsync(("registry-0", "n1"));
        _nodes["n1"] = Summary(Pod("registry-0", Volume(1000, 4000)));

        Assert.Equal((0, 10), (Assert.Single((await ReadAsync())!).Used, (await ReadAsync())![0].Percent));
    }

    [Theory]
    [InlineData("no JSON")]
    [InlineData("{}")]
    [InlineData("""{"read":"2026-01-01T00:00:00Z","volumes":[null]}""")]
    [InlineData("""{"read":"2026-01-01T00:00:00Z","volumes":[{"pod":"x y","capacity":1,"used":0,"inodes":0,"inodesUsed":0}]}""")]
    [InlineData("""{"read":"2026-01-01T00:00:00Z","volumes":[{"pod":"p","capacity":-1,"used":0,"inodes":0,"inodesUsed":0}]}""")]
    public void Read_AnnotationOfSomebodyElse_IsNothing(string text) =>
        Assert.Null(VolumeRecord.Read(new Dictionary<string, string> { [VolumeRecord.Annotation] = text }));

    [Fact]
    public async Task Read_ClusterUnreachableOrGone_IsUnknown()
    {
        await InstallAsync(("registry-0", "n1"));
        _fixture.Workload.InjectFault(call => call.Resource == "pods" ? Fault.DropBefore() : null);
        Assert.Null(await ReadAsync());
        Assert.Null(await _fixture.Registry.Fleet.ReadVolumesAsync(new("team-a", "gone"), CancellationToken));
    }

    private async Task InstallAsync(params (string Name, string Node)[] pods)
    {
        await _fixture.InstallAsync();
        foreach (var (name, node) in pods)
            await _fixture.AddPodAsync(name, node);
    }

    private Task<IReadOnlyList<VolumeUsage>?> ReadAsync() =>
        _fixture.Registry.Fleet.ReadVolumesAsync(ReconcilerFixture.Key, CancellationToken);

    private async Task<string> VersionAsync() => (string)(await ReleaseAsync())["metadata"]!["resourceVersion"]!;

    private async Task<VolumeRecord?> RecordAsync() => VolumeRecord.Read(new Dictionary<string, string>
    {
        [VolumeRecord.Annotation] = (string)(await ReleaseAsync())["metadata"]!["annotations"]![VolumeRecord.Annotation]!,
    });

    private Task<JsonObject> ReleaseAsync() => _fixture.Objects.GetAsync(ReconcilerFixture.Releases, "c1-registry", CancellationToken);

    private async Task<IEnumerable<string>> ReasonsAsync() =>
        (await _fixture.Objects.ListAsync(AdminClient.Events("team-a"), CancellationToken))
            .Select(item => (string)item["reason"]!).Where(reason => reason.StartsWith("Volume", StringComparison.Ordinal)).Order();

    private static string Summary(params string[] pods) => $$"""{"node":{"nodeName":"n"},"pods":[{{string.Join(',', pods)}}]}""";

    private static string Pod(string name, string volume) =>
        $$"""{"podRef":{"name":"{{name}}","namespace":"registry-system"},"cpu":null,"volume":[{{volume}}] }""";

    private static string Volume(long capacity, long available) => $$"""
        {"name":"tls","capacityBytes":10,"availableBytes":1},
        {"name":"data","time":"2026-01-01T00:00:00Z","capacityBytes":{{capacity}},"availableBytes":{{available}},"usedBytes":0,
         "inodes":100,"inodesFree":90,"inodesUsed":10,"pvcRef":{"name":"data-registry-0","namespace":"registry-system"} }
        """;
}
