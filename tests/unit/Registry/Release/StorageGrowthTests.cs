using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

namespace CapiRegistryHook.Unit.Tests.Registry.Release;

/// <summary>A larger storage.size on an installed registry, with a player of Helm that fails where Kubernetes would.</summary>
public sealed class StorageGrowthTests : IDisposable
{
    private const string Claims = "/api/v1/namespaces/registry-system/persistentvolumeclaims";
    private const string Owners = "/apis/apps/v1/namespaces/registry-system/statefulsets";
    private const string Pods = "/api/v1/namespaces/registry-system/pods";
    private const string Classes = "/apis/storage.k8s.io/v1/storageclasses";
    private const string Mark = "capi-registry-hook.io/volumes-grow-to";

    private readonly ReconcilerFixture _fixture = new();
    private readonly AdminClient _workload;
    private Func<RecordedRequest, Fault?>? _killing;
    private string _released = "";

    public StorageGrowthTests() => _workload = new AdminClient(_fixture.Workload);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _workload.Dispose();
        _fixture.Dispose();
    }

    [Fact]
    public async Task Reconcile_LargerSize_GrowsEverythingOneStepAfterTheOther()
    {
        await InstallAsync("1Gi", grows: true);
        await RequestAsync("2Gi");

        await SettleAsync();

        await AssertGrownAsync("2Gi");
        Assert.Equal("1Gi", await SizeAsync(Claims, "somebody-elses"));
        Assert.Equal("VolumesGrown", Assert.Single(await ReasonsAsync()));
        var calls = _fixture.Workload.CallCount;
        Assert.Equal(ClusterPhase.Ready, (await _fixture.ReconcileAsync()).Phase);
        Assert.Equal(calls, _fixture.Workload.CallCount);
    }

    /// <summary>Each write may be lost, or done without anybody hearing of it, and another process goes on.</summary>
    [Theory]
    [MemberData(nameof(Runs))]
    public async Task Reconcile_KilledBetweenSteps_EndsTheSame(int run)
    {
        await InstallAsync("1Gi", grows: true);
        await RequestAsync("2Gi");
        var random = new Random(run);
        var left = 8;
        Fault? Kill(RecordedRequest call) =>
            call.Verb is not ("get" or "list" or "watch") && call.Resource is not "events" && left-- > 0 && random.Next(2) == 0
                ? random.Next(2) == 0 ? Fault.DropBefore() : Fault.DropAfter() : null;
        for (var reconcile = 0; reconcile < 12; reconcile++)
        {
            _killing = Kill;
            await _fixture.ReconcileAsync(_fixture.NewReplica());
            _killing = null;
            if (random.Next(2) == 0)
                await PlayHelmAsync();
        }

        await SettleAsync();
        await AssertGrownAsync("2Gi");
    }

    public static TheoryData<int> Runs => [.. Enumerable.Range(0, 30)];

    /// <summary>Claims that have grown can't shrink, so growth that began is finished, and then the smaller size is refused.</summary>
    [Fact]
    public async Task Reconcile_SizeSetBackMidway_FinishesAndKeeps()
    {
        await InstallAsync("1Gi", grows: true);
        await RequestAsync("2Gi");
        for (var step = 0; step < 2; step++)
            await _fixture.ReconcileAsync();
        Assert.Equal("2Gi", await SizeAsync(Claims, "data-registry-0"));
        await RequestAsync("1Gi");

        await SettleAsync();

        await AssertGrownAsync("2Gi");
        Assert.Contains("StorageKept", await ReasonsAsync());
        Assert.Contains("made smaller", await NoteAsync("StorageKept"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reconcile_SmallerSize_IsKeptWithASentence()
    {
        await InstallAsync("2Gi", grows: true);
        await RequestAsync("1Gi");

        await SettleAsync();

        await AssertGrownAsync("2Gi");
        Assert.Contains("made smaller", await NoteAsync("StorageKept"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(null)]
    public async Task Reconcile_ClassCannotGrow_KeepsEverythingAndSaysWhatToDo(bool? grows)
    {
        await InstallAsync("1Gi", grows);
        await RequestAsync("2Gi");

        Assert.Equal(ClusterPhase.Ready, (await _fixture.ReconcileAsync()).Phase);

        await AssertGrownAsync("1Gi");
        Assert.Contains("allowVolumeExpansion", await NoteAsync("StorageKept"), StringComparison.Ordinal);
        if (grows is null)
            return;
        await _workload.MergePatchAsync(Classes, "standard", new JsonObject { ["allowVolumeExpansion"] = true }, CancellationToken);
        await SettleAsync();
        await AssertGrownAsync("2Gi");
    }

    /// <summary>A quota lets one claim grow and not the other: nothing else happens until it does.</summary>
    [Fact]
    public async Task Reconcile_ClaimRefused_WaitsAndServesOn()
    {
        await InstallAsync("1Gi", grows: true);
        await RequestAsync("2Gi");
        _killing = call => call is { Verb: "patch", Name: "data-registry-1" } ? Fault.Status(403, "Forbidden", "exceeded quota") : null;

        await _fixture.ReconcileAsync();
        var result = await _fixture.ReconcileAsync();

        Assert.Equal(ClusterPhase.Waiting, result.Phase);
        Assert.Contains("refuses to grow the volume claim data-registry-1", result.Reason, StringComparison.Ordinal);
        Assert.NotNull(await _workload.FindAsync(Owners, "registry", CancellationToken));
        Assert.Equal("1Gi", SizeIn(await ReleaseAsync()));
        _killing = null;
        await SettleAsync();
        await AssertGrownAsync("2Gi");
    }

    /// <summary>A certificate that is due is issued in the same reconcile, whatever becomes of the volumes.</summary>
    [Fact]
    public async Task Reconcile_GrowthCannotGoOn_RenewsTheCertificate()
    {
        await InstallAsync("1Gi", grows: true);
        await RequestAsync("2Gi");
        _killing = call => call.Resource is "persistentvolumeclaims" ? Fault.DropBefore() : null;
        var before = (await _fixture.ReconcileAsync()).Certificate!.Serial;
        _fixture.Time.Advance(TimeSpan.FromDays(520));

        await _fixture.ReconcileAsync();
        await _fixture.ReconcileAsync();

        var release = await ReleaseAsync();
        var serial = (string)release["metadata"]!["annotations"]!["capi-registry-hook.io/certificate-serial"]!;
        Assert.NotEqual(before, serial);
        Assert.Equal(serial, (string?)release["metadata"]!["annotations"]!["capi-registry-hook.io/certificate-served"]);
    }

    /// <summary>A StatefulSet that Helm made anew as it was goes again.</summary>
    [Fact]
    public async Task Reconcile_OldStatefulSetComesBack_IsRemovedAgain()
    {
        await InstallAsync("1Gi", grows: true);
        await RequestAsync("2Gi");
        for (var step = 0; step < 3; step++)
            await _fixture.ReconcileAsync();
        Assert.Null(await _workload.FindAsync(Owners, "registry", CancellationToken));
        await CreateOwnerAsync("1Gi");
        await RemakePodAsync(await OwnerUidAsync());
        _fixture.Time.Advance(TimeSpan.FromMinutes(1));

        await _fixture.ReconcileAsync();
        Assert.Null(await _workload.FindAsync(Owners, "registry", CancellationToken));
        await SettleAsync();
        await AssertGrownAsync("2Gi");
    }

    /// <summary>
    /// The garbage collector deletes a pod whose owner is gone, unless it saw the pod among that owner's when the owner went. It
    /// hears of pods and of who owns them a little later than they change.
    /// </summary>
    [Theory]
    [InlineData("statefulset")]
    [InlineData("pod")]
    public async Task Reconcile_StatefulSetOrPodIsNew_StaysUntilTheyAreKnown(string made)
    {
        await InstallAsync("1Gi", grows: true);
        if (made == "statefulset")
            await RemakeOwnerAsync("1Gi");
        await RemakePodAsync(await OwnerUidAsync());
        await RequestAsync("2Gi");
        await _fixture.ReconcileAsync();

        Assert.Contains("were created moments ago", (await _fixture.ReconcileAsync()).Reason, StringComparison.Ordinal);
        _fixture.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(ClusterPhase.Waiting, (await _fixture.ReconcileAsync()).Phase);
        Assert.Equal("2Gi", await SizeAsync(Claims, "data-registry-0"));
        Assert.NotNull(await _workload.FindAsync(Owners, "registry", CancellationToken));
        _fixture.Time.Advance(TimeSpan.FromSeconds(1));
        await _fixture.ReconcileAsync();

        Assert.Null(await _workload.FindAsync(Owners, "registry", CancellationToken));
        await SettleAsync();
        await AssertGrownAsync("2Gi");
    }

    /// <summary>Whose controller was away does not own its pods yet, however old it is.</summary>
    [Fact]
    public async Task Reconcile_PodHasAnotherOwner_StaysUntilItIsAdopted()
    {
        await InstallAsync("1Gi", grows: true);
        await RemakeOwnerAsync("1Gi");
        _fixture.Time.Advance(TimeSpan.FromHours(1));
        await RequestAsync("2Gi");
        await _fixture.ReconcileAsync();

        Assert.Contains("does not own the pod registry-0 yet", (await _fixture.ReconcileAsync()).Reason, StringComparison.Ordinal);
        Assert.NotNull(await _workload.FindAsync(Owners, "registry", CancellationToken));
        await RemakePodAsync(await OwnerUidAsync());
        await SettleAsync();

        await AssertGrownAsync("2Gi");
    }

    /// <summary>A workload cluster whose clock is far ahead would keep its StatefulSet for that long.</summary>
    [Fact]
    public async Task Reconcile_ClockOfTheWorkloadClusterIsAhead_DoesNotWaitForIt()
    {
        await InstallAsync("1Gi", grows: true);
        var behind = _fixture.NewReplica(time: new FixedTime(_fixture.Time.GetUtcNow() - TimeSpan.FromHours(1)));
        await RequestAsync("2Gi");

        await _fixture.ReconcileAsync(behind);
        await _fixture.ReconcileAsync(behind);

        Assert.Null(await _workload.FindAsync(Owners, "registry", CancellationToken));
    }

    private async Task InstallAsync(string size, bool? grows)
    {
        await _fixture.AddClusterAsync();
        await RequestAsync(size);
        await _fixture.ReconcileAsync();
        Assert.Equal(ClusterPhase.Ready, (await _fixture.ReconcileAsync()).Phase);
        if (grows is not null)
            await _workload.CreateAsync(Classes, new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = "standard" },
                ["provisioner"] = "example.com/csi",
                ["allowVolumeExpansion"] = grows,
            }, CancellationToken);
        foreach (var ordinal in (int[])[0, 1, 2])
            await CreateClaimAsync($"data-registry-{ordinal}", size);
        await CreateClaimAsync("somebody-elses", size);
        await CreateOwnerAsync(size);
        _released = size;
        await CreatePodAsync(await OwnerUidAsync());
        _fixture.Time.Advance(TimeSpan.FromMinutes(1));
        _fixture.Management.InjectFault(call => _killing?.Invoke(call));
        _fixture.Workload.InjectFault(call => _killing?.Invoke(call));
    }

    private Task<JsonObject> RequestAsync(string size) => _fixture.PatchClusterAsync(JsonNode.Parse($$"""
        {"spec":{"topology":{"variables":[{"name":"clusterConfig","value":{"addons":{"registry":{"storage":{"size":"{{size}}"} } } } }] } } }
        """)!.AsObject());

    private Task<JsonObject> CreateClaimAsync(string name, string size) => _workload.CreateAsync(Claims, new JsonObject
    {
        ["metadata"] = new JsonObject
        {
            ["name"] = name,
            ["labels"] = Labels(),
        },
        ["spec"] = ClaimSpec(size),
        ["status"] = new JsonObject { ["phase"] = "Bound" },
    }, CancellationToken);

    private Task<JsonObject> CreateOwnerAsync(string size) => _workload.CreateAsync(Owners, new JsonObject
    {
        ["metadata"] = new JsonObject { ["name"] = "registry" },
        ["spec"] = new JsonObject
        {
            ["volumeClaimTemplates"] = new JsonArray(
                new JsonObject { ["metadata"] = new JsonObject { ["name"] = "data" }, ["spec"] = ClaimSpec(size) }),
        },
    }, CancellationToken);

    private async Task RemakeOwnerAsync(string size)
    {
        await _workload.DeleteIfThereAsync($"{Owners}", "registry?propagationPolicy=Orphan", CancellationToken);
        await CreateOwnerAsync(size);
    }

    private async Task RemakePodAsync(string owner)
    {
        await _workload.DeleteIfThereAsync(Pods, "registry-0", CancellationToken);
        await CreatePodAsync(owner);
    }

    private Task<JsonObject> CreatePodAsync(string owner) => _workload.CreateAsync(Pods, new JsonObject
    {
        ["metadata"] = new JsonObject
        {
            ["name"] = "registry-0",
            ["labels"] = Labels(),
            ["ownerReferences"] = new JsonArray(new JsonObject
            {
                ["apiVersion"] = "apps/v1", ["kind"] = "StatefulSet", ["name"] = "registry", ["uid"] = owner,
            }),
        },
    }, CancellationToken);

    private async Task<string> OwnerUidAsync() =>
        (string)(await _workload.GetAsync(Owners, "registry", CancellationToken))["metadata"]!["uid"]!;

    private static JsonObject Labels() =>
        new() { ["app.kubernetes.io/instance"] = "registry", ["app.kubernetes.io/component"] = "registry" };

    private static JsonObject ClaimSpec(string size) => new()
    {
        ["storageClassName"] = "standard",
        ["resources"] = new JsonObject { ["requests"] = new JsonObject { ["storage"] = size } },
    };

    /// <summary>
    /// Helm follows when the values change: it makes a StatefulSet that is not there, and fails at one whose templates are others.
    /// </summary>
    private async Task PlayHelmAsync()
    {
        var size = SizeIn(await ReleaseAsync())!;
        if (size == _released)
            return;
        if (await _workload.FindAsync(Owners, "registry", CancellationToken) is not { } owner)
            await CreateOwnerAsync(size);
        else
            Assert.True(size == OwnerSize(owner), $"The release fails: {size} instead of {OwnerSize(owner)}.");
        _released = size;
    }

    private async Task SettleAsync()
    {
        for (var reconcile = 0; reconcile < 12; reconcile++)
        {
            await _fixture.ReconcileAsync();
            await PlayHelmAsync();
            _fixture.Time.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.Equal(ClusterPhase.Ready, (await _fixture.ReconcileAsync()).Phase);
    }

    private async Task AssertGrownAsync(string size)
    {
        foreach (var ordinal in (int[])[0, 1, 2])
            Assert.Equal(size, await SizeAsync(Claims, $"data-registry-{ordinal}"));
        Assert.Equal(size, OwnerSize(await _workload.GetAsync(Owners, "registry", CancellationToken)));
        var release = await ReleaseAsync();
        Assert.Equal(size, SizeIn(release));
        Assert.False(release["metadata"]!["annotations"]!.AsObject().ContainsKey(Mark));
        Assert.NotNull(await _workload.FindAsync(Pods, "registry-0", CancellationToken));
    }

    private Task<JsonObject> ReleaseAsync() => _fixture.Objects.GetAsync(ReconcilerFixture.Releases, "c1-registry", CancellationToken);

    private static string? SizeIn(JsonObject release) =>
        InstalledVolumes.SizeOf(InstalledVolumes.Read((string?)release["spec"]!["valuesTemplate"]));

    private async Task<string> SizeAsync(string collection, string name) =>
        (string)(await _workload.GetAsync(collection, name, CancellationToken))["spec"]!["resources"]!["requests"]!["storage"]!;

    private static string OwnerSize(JsonObject owner) =>
        (string)owner["spec"]!["volumeClaimTemplates"]![0]!["spec"]!["resources"]!["requests"]!["storage"]!;

    private async Task<IReadOnlyList<string>> ReasonsAsync() =>
        [.. (await EventsAsync()).Select(item => (string)item["reason"]!)
            .Where(reason => reason is "StorageKept" or "VolumesGrown").Distinct()];

    private async Task<string> NoteAsync(string reason) =>
        string.Join('\n', (await EventsAsync()).Where(item => (string)item["reason"]! == reason).Select(item => (string)item["note"]!));

    private Task<IReadOnlyList<JsonObject>> EventsAsync() => _fixture.Objects.ListAsync(AdminClient.Events("team-a"), CancellationToken);
}
