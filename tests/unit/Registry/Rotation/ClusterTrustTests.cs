using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Unit.Tests.Certificates;
using Xunit;

namespace CapiRegistryHook.Unit.Tests.Registry.Rotation;

/// <summary>What a cluster's nodes are given to trust through a rotation, and when a former root leaves.</summary>
public sealed class ClusterTrustTests : IAsyncLifetime
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private RotationScene _scene = null!;

    public async ValueTask InitializeAsync() => _scene = await RotationScene.SetAsync();

    public ValueTask DisposeAsync() => _scene.DisposeAsync();

    [Fact]
    public async Task Ensure_DuringARotation_AddsTheNextRootAndSignsWithItAtOnce()
    {
        await _scene.TrustAsync(nodesExist: false);
        await _scene.AddMachineAsync("old");
        _scene.Time.Advance(Hour);
        await BeginAsync();

        var (roots, signer) = await _scene.TrustAsync();
        using var owned = roots.Value!;

        Assert.Equal((await _scene.RootBundleAsync(RotationScene.Root)).Add(await _scene.RootBundleAsync(RotationScene.Next)),
            await _scene.BundleAsync());
        Assert.Equal(await _scene.IdAsync(RotationScene.Next), RootId.Of(signer.Value!.Authority!));
        Assert.DoesNotContain(_scene.Server.Calls, call => call.Resource == "machines" && call.Verb == "list");
        var again = await _scene.TrustAsync();
        again.Roots.Value!.Dispose();
        Assert.Null(again.Signer.Change);
    }

    [Fact]
    public async Task Retire_MachinesOlderThanTheNewRoot_AreNamedUntilTheyAreGone()
    {
        await _scene.TrustAsync(nodesExist: false);
        await _scene.AddMachineAsync("oldest");
        _scene.Time.Advance(Hour);
        await _scene.AddMachineAsync("older");
        await _scene.AddMachineAsync("elsewhere", cluster: "c2");
        await RotateAsync();
        var both = await _scene.BundleAsync();
        _scene.Time.Advance(TrustDates.Margin);
        await _scene.AddMachineAsync("young");

        var waits = Assert.IsType<RetireResult.Waits>(await _scene.RetireAsync());
        Assert.Equal((2, "Machine oldest"), (waits.Count, waits.Oldest));
        await _scene.RemoveMachineAsync("oldest");
        waits = Assert.IsType<RetireResult.Waits>(await _scene.RetireAsync());
        Assert.Equal(
            "The former root stays trusted: 1 Machines or MachinePools know only that one, the oldest is Machine older.", waits.Reason);
        Assert.Equal(both, await _scene.BundleAsync());

        await _scene.RemoveMachineAsync("older");
        Assert.IsType<RetireResult.Retired>(await _scene.RetireAsync());
        Assert.Equal(await _scene.RootBundleAsync(RotationScene.Root), await _scene.BundleAsync());
        Assert.IsType<RetireResult.Nothing>(await _scene.RetireAsync());
        await AssertNothingChangesAsync();
    }

    [Fact]
    public async Task Retire_MachinePoolOfTheTimeBefore_StandsInTheWay()
    {
        await _scene.TrustAsync(nodesExist: false);
        await _scene.AddMachineAsync("pool", "machinepools");
        await RotateAsync();

        Assert.Equal("MachinePool pool", Assert.IsType<RetireResult.Waits>(await _scene.RetireAsync()).Oldest);
        await _scene.RemoveMachineAsync("pool", "machinepools");
        Assert.IsType<RetireResult.Retired>(await _scene.RetireAsync());
    }

    /// <summary>A Machine's bootstrap data may have been read a moment before the new root was in the bundle.</summary>
    [Fact]
    public async Task Retire_MachineWithinTheMargin_CountsAsOld()
    {
        await _scene.TrustAsync(nodesExist: false);
        await RotateAsync();
        _scene.Time.Advance(TrustDates.Margin - TimeSpan.FromSeconds(2));
        await _scene.AddMachineAsync("close");
        Assert.Equal(1, Assert.IsType<RetireResult.Waits>(await _scene.RetireAsync()).Count);
    }

    [Fact]
    public async Task Retire_BeforeTheNewCertificateIsServed_Waits()
    {
        await _scene.TrustAsync(nodesExist: false);
        await RotateAsync();
        Assert.Equal(0, Assert.IsType<RetireResult.Waits>(await _scene.RetireAsync(served: false)).Count);
        Assert.Equal(2, (await _scene.BundleAsync()).Count);
    }

    [Fact]
    public async Task Retire_WhileTheRotationRuns_KeepsBoth()
    {
        await _scene.TrustAsync(nodesExist: false);
        await BeginAsync();
        await TrustAsync();
        Assert.IsType<RetireResult.Nothing>(await _scene.RetireAsync());
        Assert.Equal(2, (await _scene.BundleAsync()).Count);
    }

    [Fact]
    public async Task Retire_ClusterApiWithoutMachinePools_GoesByTheMachines()
    {
        await _scene.TrustAsync(nodesExist: false);
        await RotateAsync();
        _scene.Server.InjectFault(call => call.Resource == "machinepools" ? Fault.Status(404, "NotFound") : null);
        Assert.IsType<RetireResult.Retired>(await _scene.RetireAsync());
    }

    [Fact]
    public async Task Retire_MachinesCannotBeListed_KeepsBoth()
    {
        await _scene.TrustAsync(nodesExist: false);
        await RotateAsync();
        _scene.Server.InjectFault(call => call.Resource == "machines" ? Fault.Status(403, "Forbidden") : null);
        await Assert.ThrowsAsync<KubernetesApiException>(() => _scene.RetireAsync());
        Assert.Equal(2, (await _scene.BundleAsync()).Count);
    }

    /// <summary>
    /// A move makes Machines anew: they look young and are not. What the Secret remembers from before it was made itself does not count.
    /// </summary>
    [Fact]
    public async Task Retire_AfterAMove_DoesNotTakeOldMachinesForYoung()
    {
        await _scene.TrustAsync(nodesExist: false);
        _scene.Time.Advance(Hour);
        await RotateAsync();
        var moved = (await _scene.FindAsync(_scene.Plan.TrustSecret))!;
        _scene.Time.Advance(Hour);
        await _scene.DeleteAsync(_scene.Plan.TrustSecret);
        await _scene.Client.CreateAsync(
            CoreResources.Secrets, moved with { Metadata = moved.Metadata with { ResourceVersion = null, Uid = null,
            CreationTimestamp = null } }, "clusterctl", TestContext.Current.CancellationToken);
        _scene.Time.Advance(TrustDates.Margin + TrustDates.Margin);
        await _scene.AddMachineAsync("moved");
        _scene.Time.Advance(Hour);

        await TrustAsync();
        Assert.Equal("Machine moved", Assert.IsType<RetireResult.Waits>(await _scene.RetireAsync()).Oldest);
        await AssertNothingChangesAsync();
    }

    [Fact]
    public async Task Ensure_FormerRootEnded_LeavesTheBundle()
    {
        await _scene.TrustAsync(nodesExist: false);
        _scene.Time.Advance(TimeSpan.FromDays(1825));
        await RotateAsync();
        await _scene.AddMachineAsync("ignored");
        _scene.Time.Advance(TimeSpan.FromDays(1826));
        await TrustAsync();
        Assert.Equal(await _scene.RootBundleAsync(RotationScene.Root), await _scene.BundleAsync());
    }

    [Fact]
    public async Task Compromised_OnceTheNextIsServed_IsBannedAtOnceAndItsNodesAreNamed()
    {
        await _scene.TrustAsync(nodesExist: false);
        await _scene.AddMachineAsync("old");
        _scene.Time.Advance(Hour);
        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.Compromised, await _scene.IdAsync(RotationScene.Root));
        Assert.Equal(RotationPhase.Prepare, (await _scene.AdvanceAsync(isComplete: true)).Phase);
        await TrustAsync();
        Assert.Equal(2, (await _scene.BundleAsync()).Count);
        _scene.Time.Advance(Hour);
        await _scene.AddMachineAsync("between");
        _scene.Time.Advance(Hour);

        var banned = Assert.IsType<RetireResult.Waits>(await _scene.RetireAsync());
        Assert.NotNull(banned.Change);
        Assert.Equal((2, "Machine old"), (banned.Count, banned.Oldest));
        Assert.Equal(await _scene.RootBundleAsync(RotationScene.Next), await _scene.BundleAsync());
        await AssertNothingChangesAsync();

        await _scene.AdvanceAsync(isComplete: true, await _scene.IdAsync(RotationScene.Next));
        await AssertNothingChangesAsync();
        _scene.Time.Advance(Hour);
        await _scene.AddMachineAsync("new");
        Assert.Equal(2, Assert.IsType<RetireResult.Waits>(await _scene.RetireAsync()).Count);
        await _scene.RemoveMachineAsync("old");
        await _scene.RemoveMachineAsync("between");
        Assert.IsType<RetireResult.Nothing>(await _scene.RetireAsync());
    }

    [Fact]
    public async Task Compromised_NewClusters_TrustTheNextRootAlone()
    {
        (await _scene.RootsAsync()).Dispose();
        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.Compromised, await _scene.IdAsync(RotationScene.Root));
        await _scene.AdvanceAsync(isComplete: true);
        await TrustAsync(nodesExist: false);
        Assert.Equal(await _scene.RootBundleAsync(RotationScene.Next), await _scene.BundleAsync());
    }

    [Fact]
    public async Task Ensure_ManagedRootReplacedByHand_IsRefused()
    {
        await _scene.TrustAsync(nodesExist: false);
        using var other = Samples.NewRoot();
        await _scene.ReplaceRootAsync(other);
        var (roots, signer) = await _scene.TrustAsync();
        roots.Value!.Dispose();
        Assert.Contains("is not the one that this cluster's nodes trust", Assert.IsType<RegistryOutcome.Refused>(signer.Stop).Reason,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ensure_ExternalRootChanged_JoinsAndSignsWhenAllMachinesKnowIt()
    {
        await using var scene = await RotationScene.SetAsync(RootSource.External);
        using var first = Samples.NewRoot();
        using var second = Samples.NewRoot();
        await scene.ReplaceRootAsync(first);
        await scene.TrustAsync(nodesExist: false);
        await scene.AddMachineAsync("old");
        scene.Time.Advance(Hour);
        await scene.ReplaceRootAsync(second);

        Assert.Null(await SignerAsync(scene));
        Assert.Equal(Samples.Bundle(first, second), await scene.BundleAsync());
        Assert.IsType<RetireResult.Waits>(await scene.RetireAsync(served: false));
        scene.Time.Advance(Hour);
        await scene.AddMachineAsync("new");
        Assert.Null(await SignerAsync(scene));
        await scene.RemoveMachineAsync("old");
        Assert.Equal(await scene.IdAsync(RotationScene.Root), await SignerAsync(scene));
        Assert.IsType<RetireResult.Retired>(await scene.RetireAsync());
        Assert.Equal(Samples.Bundle(second), await scene.BundleAsync());
    }

    /// <summary>
    /// Without the note nobody knows which Machines have the new root, so none of those that are there counts as having it.
    /// </summary>
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("nonsense=yesterday,,=")]
    public async Task Ensure_ExternalRootChangedAndTheDatesAreLost_WaitsForAllMachinesOfTheTimeBefore(string? note)
    {
        await using var scene = await RotationScene.SetAsync(RootSource.External);
        using var first = Samples.NewRoot();
        await scene.ReplaceRootAsync(first);
        await scene.TrustAsync(nodesExist: false);
        await scene.AddMachineAsync("old");
        scene.Time.Advance(Hour);
        using var second = Samples.NewRoot(time: scene.Time);
        await scene.ReplaceRootAsync(second);
        Assert.Null(await SignerAsync(scene));
        scene.Time.Advance(Hour);

        await scene.AnnotateAsync(scene.Plan.TrustSecret, TrustDates.Annotation, note);

        Assert.Null(await SignerAsync(scene));
        Assert.IsType<RetireResult.Waits>(await scene.RetireAsync());
        await scene.RemoveMachineAsync("old");
        scene.Time.Advance(Hour);
        await scene.AddMachineAsync("new");
        Assert.Equal(await scene.IdAsync(RotationScene.Root), await SignerAsync(scene));
    }

    /// <summary>
    /// cert-manager keeps the key when it renews, unless it is told otherwise: nodes with the former certificate accept what the key
    /// signs.
    /// </summary>
    [Fact]
    public async Task Ensure_ExternalRootRenewedWithItsKey_SignsAtOnce()
    {
        await using var scene = await RotationScene.SetAsync(RootSource.External);
        using var root = Samples.NewRoot();
        await scene.ReplaceRootAsync(root);
        await scene.TrustAsync(nodesExist: false);
        await scene.AddMachineAsync("old");
        scene.Time.Advance(Hour);
        using var openSsl = new OpenSsl();
        openSsl.Write("root.key", root.PrivateKeyPem.Span);
        openSsl.Write("root.pem", root.CertificatePem);
        openSsl.Run("x509 -in root.pem -signkey root.key -days 3000 -set_serial 99 -out renewed.pem");
        var former = await scene.IdAsync(RotationScene.Root);
        await scene.ReplaceRootAsync(openSsl.Read("renewed.pem"), root.PrivateKeyPem.ToArray());

        var signer = await SignerAsync(scene);

        Assert.NotEqual(former, signer);
        Assert.Equal(await scene.IdAsync(RotationScene.Root), signer);
        Assert.Equal(2, (await scene.BundleAsync()).Count);
    }

    private static async Task<string?> SignerAsync(RotationScene scene)
    {
        var (roots, signer) = await scene.TrustAsync();
        using var owned = roots.Value!;
        return signer.Value!.Authority is { } authority ? RootId.Of(authority) : null;
    }

    private async Task BeginAsync()
    {
        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.RotateRoot, "now");
        Assert.Equal(RotationPhase.Prepare, (await _scene.AdvanceAsync(isComplete: true)).Phase);
    }

    private async Task RotateAsync()
    {
        await BeginAsync();
        await TrustAsync();
        await _scene.AdvanceAsync(isComplete: true, await _scene.IdAsync(RotationScene.Next));
        Assert.Null(await _scene.FindAsync(RotationScene.Next));
    }

    private async Task TrustAsync(bool nodesExist = true)
    {
        var (roots, signer) = await _scene.TrustAsync(nodesExist);
        roots.Value!.Dispose();
        Assert.Null(signer.Stop);
    }

    private async Task AssertNothingChangesAsync()
    {
        var (roots, signer) = await _scene.TrustAsync();
        roots.Value!.Dispose();
        Assert.Null(signer.Change);
    }
}
