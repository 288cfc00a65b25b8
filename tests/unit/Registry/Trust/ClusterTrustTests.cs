using CapiRegistryHook.Certificates;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Unit.Tests.Certificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Trust;

/// <summary>What a cluster's nodes are given to trust through a rotation, and when a former root leaves.</summary>
public sealed class ClusterTrustTests : IAsyncLifetime
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private RotationFixture _fixture = null!;

    public async ValueTask InitializeAsync() => _fixture = await RotationFixture.StartAsync();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Ensure_DuringARotation_AddsTheNextRootAndSignsWithItAtOnce()
    {
        await _fixture.TrustAsync(nodesExist: false);
        await _fixture.AddMachineAsync("old");
        _fixture.Time.Advance(Hour);
        await BeginAsync();

        var (roots, signer) = await _fixture.TrustAsync();
        using var owned = roots.Value!;

        Assert.Equal((await _fixture.RootBundleAsync(RotationFixture.Root)).Add(await _fixture.RootBundleAsync(RotationFixture.Next)),
            await _fixture.BundleAsync());
        Assert.Equal(await _fixture.IdAsync(RotationFixture.Next), RootId.Of(signer.Value!.Accepted!));
        Assert.DoesNotContain(_fixture.Server.Calls, call => call.Resource == "machines" && call.Verb == "list");
        var again = await _fixture.TrustAsync();
        again.Roots.Value!.Dispose();
        Assert.Empty(_fixture.Changes);
    }

    [Fact]
    public async Task Retire_MachinesOlderThanTheNewRoot_AreNamedUntilTheyAreGone()
    {
        await _fixture.TrustAsync(nodesExist: false);
        await _fixture.AddMachineAsync("oldest");
        _fixture.Time.Advance(Hour);
        await _fixture.AddMachineAsync("older");
        await _fixture.AddMachineAsync("elsewhere", cluster: "c2");
        await RotateAsync();
        var both = await _fixture.BundleAsync();
        _fixture.Time.Advance(TrustDates.Margin);
        await _fixture.AddMachineAsync("young");

        var waits = Assert.IsType<RetireResult.Waits>(await _fixture.RetireAsync());
        Assert.Equal((2, "Machine oldest"), (waits.Count, waits.Oldest));
        await _fixture.RemoveMachineAsync("oldest");
        waits = Assert.IsType<RetireResult.Waits>(await _fixture.RetireAsync());
        Assert.Equal(
            "The former root stays trusted: 1 Machine or MachinePool trusts only the previous root; the oldest is Machine older.",
            waits.Reason);
        Assert.Equal(both, await _fixture.BundleAsync());

        await _fixture.RemoveMachineAsync("older");
        Assert.IsType<RetireResult.Retired>(await _fixture.RetireAsync());
        Assert.Equal(await _fixture.RootBundleAsync(RotationFixture.Root), await _fixture.BundleAsync());
        Assert.IsType<RetireResult.Nothing>(await _fixture.RetireAsync());
        await AssertNothingChangesAsync();
    }

    [Fact]
    public async Task Retire_MachinePoolOfTheTimeBefore_StandsInTheWay()
    {
        await _fixture.TrustAsync(nodesExist: false);
        await _fixture.AddMachineAsync("pool", "machinepools");
        await RotateAsync();

        Assert.Equal("MachinePool pool", Assert.IsType<RetireResult.Waits>(await _fixture.RetireAsync()).Oldest);
        await _fixture.RemoveMachineAsync("pool", "machinepools");
        Assert.IsType<RetireResult.Retired>(await _fixture.RetireAsync());
    }

    /// <summary>A Machine's bootstrap data may have been read a moment before the new root was in the bundle.</summary>
    [Fact]
    public async Task Retire_MachineWithinTheMargin_CountsAsOld()
    {
        await _fixture.TrustAsync(nodesExist: false);
        await RotateAsync();
        _fixture.Time.Advance(TrustDates.Margin - TimeSpan.FromSeconds(2));
        await _fixture.AddMachineAsync("close");
        Assert.Equal(1, Assert.IsType<RetireResult.Waits>(await _fixture.RetireAsync()).Count);
    }

    [Fact]
    public async Task Retire_BeforeTheNewCertificateIsServed_Waits()
    {
        await _fixture.TrustAsync(nodesExist: false);
        await RotateAsync();
        Assert.Equal(0, Assert.IsType<RetireResult.Waits>(await _fixture.RetireAsync(served: false)).Count);
        Assert.Equal(2, (await _fixture.BundleAsync()).Count);
    }

    [Fact]
    public async Task Retire_WhileTheRotationRuns_KeepsBoth()
    {
        await _fixture.TrustAsync(nodesExist: false);
        await BeginAsync();
        await TrustAsync();
        Assert.IsType<RetireResult.Nothing>(await _fixture.RetireAsync());
        Assert.Equal(2, (await _fixture.BundleAsync()).Count);
    }

    [Fact]
    public async Task Retire_ClusterApiWithoutMachinePools_GoesByTheMachines()
    {
        await _fixture.TrustAsync(nodesExist: false);
        await RotateAsync();
        _fixture.Server.InjectFault(call => call.Resource == "machinepools" ? Fault.Status(404, "NotFound") : null);
        Assert.IsType<RetireResult.Retired>(await _fixture.RetireAsync());
    }

    [Fact]
    public async Task Retire_MachinesCannotBeListed_KeepsBoth()
    {
        await _fixture.TrustAsync(nodesExist: false);
        await RotateAsync();
        _fixture.Server.InjectFault(call => call.Resource == "machines" ? Fault.Status(403, "Forbidden") : null);
        await Assert.ThrowsAsync<KubernetesApiException>(() => _fixture.RetireAsync());
        Assert.Equal(2, (await _fixture.BundleAsync()).Count);
    }

    /// <summary>
    /// A move makes Machines anew: they look young and are not. What the Secret remembers from before it was made itself does not count.
    /// </summary>
    [Fact]
    public async Task Retire_AfterAMove_DoesNotTakeOldMachinesForYoung()
    {
        await _fixture.TrustAsync(nodesExist: false);
        _fixture.Time.Advance(Hour);
        await RotateAsync();
        var moved = (await _fixture.FindAsync(_fixture.Plan.TrustSecret))!;
        _fixture.Time.Advance(Hour);
        await _fixture.DeleteAsync(_fixture.Plan.TrustSecret);
        await _fixture.Client.CreateAsync(
            CoreResources.Secrets, moved with { Metadata = moved.Metadata with { ResourceVersion = null, Uid = null,
            CreationTimestamp = null } }, "clusterctl", TestContext.Current.CancellationToken);
        _fixture.Time.Advance(TrustDates.Margin + TrustDates.Margin);
        await _fixture.AddMachineAsync("moved");
        _fixture.Time.Advance(Hour);

        await TrustAsync();
        Assert.Equal("Machine moved", Assert.IsType<RetireResult.Waits>(await _fixture.RetireAsync()).Oldest);
        await AssertNothingChangesAsync();
    }

    [Fact]
    public async Task Ensure_FormerRootEnded_LeavesTheBundle()
    {
        await _fixture.TrustAsync(nodesExist: false);
        _fixture.Time.Advance(TimeSpan.FromDays(1825));
        await RotateAsync();
        await _fixture.AddMachineAsync("ignored");
        _fixture.Time.Advance(TimeSpan.FromDays(1826));
        await TrustAsync();
        Assert.Equal(await _fixture.RootBundleAsync(RotationFixture.Root), await _fixture.BundleAsync());
    }

    [Fact]
    public async Task Compromised_OnceTheNextIsServed_IsBannedAtOnceAndItsNodesAreNamed()
    {
        await _fixture.TrustAsync(nodesExist: false);
        await _fixture.AddMachineAsync("old");
        _fixture.Time.Advance(Hour);
        await _fixture.AnnotateAsync(RotationFixture.Root, RootAnnotations.Compromised, await _fixture.IdAsync(RotationFixture.Root));
        Assert.Equal(RotationPhase.Prepare, (await _fixture.AdvanceAsync(isComplete: true)).Phase);
        await TrustAsync();
        Assert.Equal(2, (await _fixture.BundleAsync()).Count);
        _fixture.Time.Advance(Hour);
        await _fixture.AddMachineAsync("between");
        _fixture.Time.Advance(Hour);

        var banned = Assert.IsType<RetireResult.Waits>(await _fixture.RetireAsync());
        Assert.NotNull(banned.Change);
        Assert.Equal((2, "Machine old"), (banned.Count, banned.Oldest));
        Assert.Equal(await _fixture.RootBundleAsync(RotationFixture.Next), await _fixture.BundleAsync());
        await AssertNothingChangesAsync();

        await _fixture.AdvanceAsync(isComplete: true, await _fixture.IdAsync(RotationFixture.Next));
        await AssertNothingChangesAsync();
        _fixture.Time.Advance(Hour);
        await _fixture.AddMachineAsync("new");
        Assert.Equal(2, Assert.IsType<RetireResult.Waits>(await _fixture.RetireAsync()).Count);
        await _fixture.RemoveMachineAsync("old");
        await _fixture.RemoveMachineAsync("between");
        Assert.IsType<RetireResult.Retired>(await _fixture.RetireAsync());
        Assert.IsType<RetireResult.Nothing>(await _fixture.RetireAsync());
    }

    [Fact]
    public async Task Compromised_FollowedByAnOrdinaryRotation_BansThatRootAloneAndKeepsTheGoodOne()
    {
        await _fixture.TrustAsync(nodesExist: false);
        await _fixture.AnnotateAsync(RotationFixture.Root, RootAnnotations.Compromised, await _fixture.IdAsync(RotationFixture.Root));
        await _fixture.AdvanceAsync(isComplete: true);
        await TrustAsync();
        await _fixture.AddMachineAsync("distrusted");
        Assert.IsType<RetireResult.Waits>(await _fixture.RetireAsync());
        await _fixture.AdvanceAsync(isComplete: true, await _fixture.IdAsync(RotationFixture.Next));
        _fixture.Time.Advance(Hour);
        await _fixture.AddMachineAsync("good");
        _fixture.Time.Advance(Hour);

        await BeginAsync();
        await TrustAsync();
        var both = await _fixture.BundleAsync();
        Assert.Equal(2, both.Count);
        await AssertOnlyDistrustedAsync(both);
        await _fixture.AdvanceAsync(isComplete: true, await _fixture.IdAsync(RotationFixture.Next));
        await AssertOnlyDistrustedAsync(both);

        await _fixture.RemoveMachineAsync("distrusted");
        Assert.Equal("Machine good", Assert.IsType<RetireResult.Waits>(await _fixture.RetireAsync()).Oldest);
        await _fixture.RemoveMachineAsync("good");
        Assert.IsType<RetireResult.Retired>(await _fixture.RetireAsync());
        Assert.Equal(await _fixture.RootBundleAsync(RotationFixture.Root), await _fixture.BundleAsync());
        await AssertNothingChangesAsync();
    }

    /// <summary>A cluster that was paused through two rotations still trusts the compromised root, and must not keep it.</summary>
    [Fact]
    public async Task Compromised_ClusterPausedThroughTheNextRotation_StillDropsThatRootFirst()
    {
        await _fixture.TrustAsync(nodesExist: false);
        await _fixture.AddMachineAsync("old");
        var compromised = await _fixture.RootBundleAsync(RotationFixture.Root);
        await _fixture.AnnotateAsync(RotationFixture.Root, RootAnnotations.Compromised, await _fixture.IdAsync(RotationFixture.Root));
        await _fixture.AdvanceAsync(isComplete: true);
        await _fixture.AdvanceAsync(isComplete: true, await _fixture.IdAsync(RotationFixture.Next));
        await BeginAsync();
        await _fixture.AdvanceAsync(isComplete: true, await _fixture.IdAsync(RotationFixture.Next));
        _fixture.Time.Advance(Hour);

        await TrustAsync();
        Assert.True((await _fixture.BundleAsync()).Contains(compromised));
        Assert.NotNull(Assert.IsType<RetireResult.Waits>(await _fixture.RetireAsync()).Change);
        Assert.Equal(await _fixture.RootBundleAsync(RotationFixture.Root), await _fixture.BundleAsync());
    }

    /// <summary>Reconciles in any order find the same bundle, and name only the Machine that has the compromised root.</summary>
    private async Task AssertOnlyDistrustedAsync(TrustBundle expected)
    {
        for (var reconcile = 0; reconcile < 3; reconcile++)
        {
            var waits = Assert.IsType<RetireResult.Waits>(await _fixture.RetireAsync());
            Assert.Equal((1, "Machine distrusted"), (waits.Count, waits.Oldest));
            await TrustAsync();
            Assert.Equal(expected, await _fixture.BundleAsync());
        }
    }

    [Fact]
    public async Task Compromised_NewClusters_TrustTheNextRootAlone()
    {
        (await _fixture.RootsAsync()).Dispose();
        await _fixture.AnnotateAsync(RotationFixture.Root, RootAnnotations.Compromised, await _fixture.IdAsync(RotationFixture.Root));
        await _fixture.AdvanceAsync(isComplete: true);
        await TrustAsync(nodesExist: false);
        Assert.Equal(await _fixture.RootBundleAsync(RotationFixture.Next), await _fixture.BundleAsync());
    }

    [Fact]
    public async Task Ensure_ManagedRootReplacedByHand_IsRefused()
    {
        await _fixture.TrustAsync(nodesExist: false);
        using var other = Samples.NewRoot();
        await _fixture.ReplaceRootAsync(other);
        var (roots, signer) = await _fixture.TrustAsync();
        roots.Value!.Dispose();
        Assert.Equal(OutcomeKind.Refused, signer.Stop?.Kind);
        Assert.Contains("is not the one that this cluster's nodes trust", signer.Stop!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ensure_ExternalRootChanged_JoinsAndSignsWhenAllMachinesKnowIt()
    {
        await using var fixture = await RotationFixture.StartAsync(RootSource.External);
        using var first = Samples.NewRoot();
        using var second = Samples.NewRoot();
        await fixture.ReplaceRootAsync(first);
        await fixture.TrustAsync(nodesExist: false);
        await fixture.AddMachineAsync("old");
        fixture.Time.Advance(Hour);
        await fixture.ReplaceRootAsync(second);

        Assert.Null(await SignerAsync(fixture));
        Assert.Equal(Samples.Bundle(first, second), await fixture.BundleAsync());
        Assert.IsType<RetireResult.Waits>(await fixture.RetireAsync(served: false));
        fixture.Time.Advance(Hour);
        await fixture.AddMachineAsync("new");
        Assert.Null(await SignerAsync(fixture));
        await fixture.RemoveMachineAsync("old");
        Assert.Equal(await fixture.IdAsync(RotationFixture.Root), await SignerAsync(fixture));
        Assert.IsType<RetireResult.Retired>(await fixture.RetireAsync());
        Assert.Equal(Samples.Bundle(second), await fixture.BundleAsync());
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
        await using var fixture = await RotationFixture.StartAsync(RootSource.External);
        using var first = Samples.NewRoot();
        await fixture.ReplaceRootAsync(first);
        await fixture.TrustAsync(nodesExist: false);
        await fixture.AddMachineAsync("old");
        fixture.Time.Advance(Hour);
        using var second = Samples.NewRoot(time: fixture.Time);
        await fixture.ReplaceRootAsync(second);
        Assert.Null(await SignerAsync(fixture));
        fixture.Time.Advance(Hour);

        await fixture.AnnotateAsync(fixture.Plan.TrustSecret, TrustDates.Annotation, note);

        Assert.Null(await SignerAsync(fixture));
        Assert.IsType<RetireResult.Waits>(await fixture.RetireAsync());
        await fixture.RemoveMachineAsync("old");
        fixture.Time.Advance(Hour);
        await fixture.AddMachineAsync("new");
        Assert.Equal(await fixture.IdAsync(RotationFixture.Root), await SignerAsync(fixture));
    }

    /// <summary>
    /// cert-manager keeps the key when it renews, unless it is told otherwise: nodes with the former certificate accept what the key
    /// signs.
    /// </summary>
    [Fact]
    public async Task Ensure_ExternalRootRenewedWithItsKey_SignsAtOnce()
    {
        await using var fixture = await RotationFixture.StartAsync(RootSource.External);
        using var root = Samples.NewRoot();
        await fixture.ReplaceRootAsync(root);
        await fixture.TrustAsync(nodesExist: false);
        await fixture.AddMachineAsync("old");
        fixture.Time.Advance(Hour);
        using var openSsl = new OpenSsl();
        openSsl.Write("root.key", root.PrivateKeyPem.Span);
        openSsl.Write("root.pem", root.CertificatePem);
        openSsl.Run("x509 -in root.pem -signkey root.key -days 3000 -set_serial 99 -out renewed.pem");
        var former = await fixture.IdAsync(RotationFixture.Root);
        await fixture.ReplaceRootAsync(openSsl.Read("renewed.pem"), root.PrivateKeyPem.ToArray());

        var signer = await SignerAsync(fixture);

        Assert.NotEqual(former, signer);
        Assert.Equal(await fixture.IdAsync(RotationFixture.Root), signer);
        Assert.Equal(2, (await fixture.BundleAsync()).Count);
    }

    private static async Task<string?> SignerAsync(RotationFixture fixture)
    {
        var (roots, signer) = await fixture.TrustAsync();
        using var owned = roots.Value!;
        return signer.Value!.Accepted is { } authority ? RootId.Of(authority) : null;
    }

    private async Task BeginAsync()
    {
        await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "now");
        Assert.Equal(RotationPhase.Prepare, (await _fixture.AdvanceAsync(isComplete: true)).Phase);
    }

    private async Task RotateAsync()
    {
        await BeginAsync();
        await TrustAsync();
        await _fixture.AdvanceAsync(isComplete: true, await _fixture.IdAsync(RotationFixture.Next));
        Assert.Null(await _fixture.FindAsync(RotationFixture.Next));
    }

    private async Task TrustAsync(bool nodesExist = true)
    {
        var (roots, signer) = await _fixture.TrustAsync(nodesExist);
        roots.Value!.Dispose();
        Assert.Null(signer.Stop);
    }

    private async Task AssertNothingChangesAsync()
    {
        var (roots, signer) = await _fixture.TrustAsync();
        roots.Value!.Dispose();
        Assert.Empty(_fixture.Changes);
    }
}
