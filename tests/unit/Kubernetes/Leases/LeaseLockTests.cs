using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Leases;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Leases;

/// <summary>Who holds a Lease, for how long, and what it costs, on a clock that moves when it is told to.</summary>
public sealed class LeaseLockTests : IDisposable
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(15);
    private static readonly NamespacedName Name = new("system", "leader");

    private readonly ManualTime _time = new();
    private readonly InProcessApi _api;
    private readonly AdminClient _objects;
    private readonly KubernetesClient _client;

    public LeaseLockTests()
    {
        _api = new InProcessApi(new Uri("https://management.test"), _time, "system");
        _objects = new AdminClient(_api);
        _client = new KubernetesClient(
            new ClusterConnection { Server = _api.Address, Credentials = new StaticToken(_api.Token) },
            new KubernetesClientOptions { CreateHandler = _ => _api.CreateHandler(), MaxAttempts = 1 }, _time);
    }

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _client.Dispose();
        _objects.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.5)]
    [InlineData(1.5)]
    [InlineData(3601)]
    public void New_DurationOutOfRange_Throws(double seconds) =>
        Assert.Throws<ArgumentException>(() => new LeaseLock(_client, Name, "a", TimeSpan.FromSeconds(seconds), _time));

    [Fact]
    public async Task TryAcquireOrRenew_Missing_IsCreatedAndRenewedWithOneCall()
    {
        var a = Lock("a");
        Assert.True(await TryAsync(a));
        var calls = _api.CallCount;

        _time.Advance(Duration / 3);
        Assert.True(await TryAsync(a));

        Assert.Equal(calls + 1, _api.CallCount);
        Assert.Equal(("a", 0), await HolderAsync());
    }

    [Fact]
    public async Task TryAcquireOrRenew_HeldByAnother_IsTakenAfterItsDurationWithoutAChange()
    {
        Assert.True(await TryAsync(Lock("a")));
        var b = Lock("b");
        Assert.False(await TryAsync(b));
        _time.Advance(Duration - TimeSpan.FromSeconds(1));
        Assert.False(await TryAsync(b));

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.True(await TryAsync(b));
        Assert.Equal(("b", 1), await HolderAsync());
    }

    /// <summary>Another machine's clock says nothing: what counts is when this process saw the Lease change.</summary>
    [Fact]
    public async Task TryAcquireOrRenew_RenewTimeLongAgo_IsNotTakenAtOnce()
    {
        Assert.True(await TryAsync(Lock("a")));
        await PatchAsync(new JsonObject { ["renewTime"] = "2001-01-01T00:00:00.000000Z" });

        Assert.False(await TryAsync(Lock("b")));
    }

    [Fact]
    public async Task TryAcquireOrRenew_AnotherHasTakenIt_IsNoLongerHeld()
    {
        var a = Lock("a");
        Assert.True(await TryAsync(a));
        await PatchAsync(new JsonObject { ["holderIdentity"] = "b" });

        Assert.False(await TryAsync(a));
        Assert.False(a.IsHeld);
    }

    [Fact]
    public async Task IsHeld_RenewalsFail_EndsWithTheDurationOfTheLastGoodOne()
    {
        var a = Lock("a");
        Assert.True(await TryAsync(a));
        _api.InjectFault(_ => Fault.Status(500, "InternalError"));

        _time.Advance(Duration - TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<KubernetesApiException>(() => TryAsync(a));
        Assert.True(a.IsHeld);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.False(a.IsHeld);
    }

    [Fact]
    public async Task TryAcquireOrRenew_WriteWasDoneAndItsAnswerLost_FindsItsOwnName()
    {
        var lose = true;
        _api.InjectFault(call => call.Verb == "create" && lose ? Fault.DropAfter() : null);
        var a = Lock("a");
        await Assert.ThrowsAsync<KubernetesApiException>(() => TryAsync(a));
        lose = false;

        Assert.True(await TryAsync(a));
        Assert.Equal(("a", 0), await HolderAsync());
    }

    [Fact]
    public async Task TryAcquireOrRenew_NamespaceMissing_Throws() => Assert.Equal(
        KubernetesFault.NotFound,
        (await Assert.ThrowsAsync<KubernetesApiException>(() => TryAsync(
            new LeaseLock(_client, new NamespacedName("nowhere", "leader"), "a", Duration, _time)))).Fault);

    [Fact]
    public async Task Release_Held_LetsAnotherTakeItAtOnce()
    {
        var (a, b) = (Lock("a"), Lock("b"));
        Assert.True(await TryAsync(a));
        Assert.False(await TryAsync(b));

        await a.ReleaseAsync(CancellationToken);

        Assert.False(a.IsHeld);
        Assert.True(await TryAsync(b));
    }

    [Fact]
    public async Task Release_TakenByAnotherMeanwhile_LeavesItAlone()
    {
        var a = Lock("a");
        Assert.True(await TryAsync(a));
        await PatchAsync(new JsonObject { ["holderIdentity"] = "b" });

        await a.ReleaseAsync(CancellationToken);

        Assert.Equal("b", (await HolderAsync()).Holder);
    }

    private static Task<bool> TryAsync(LeaseLock @lock) => @lock.TryAcquireOrRenewAsync(CancellationToken);

    private LeaseLock Lock(string identity) => new(_client, Name, identity, Duration, _time);

    private Task<JsonObject> PatchAsync(JsonObject spec) => _objects.MergePatchAsync(
        AdminClient.Leases(Name.Namespace), Name.Name, new JsonObject { ["spec"] = spec }, CancellationToken);

    private async Task<(string? Holder, int Transitions)> HolderAsync()
    {
        var spec = (await _objects.GetAsync(AdminClient.Leases(Name.Namespace), Name.Name, CancellationToken))["spec"]!;
        return ((string?)spec["holderIdentity"], (int)spec["leaseTransitions"]!);
    }
}
