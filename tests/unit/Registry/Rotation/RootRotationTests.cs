using CapiRegistryHook.Certificates;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Unit.Tests.Certificates;
using Xunit;

namespace CapiRegistryHook.Unit.Tests.Registry.Rotation;

/// <summary>The steps of a rotation as the API server sees them. Every call is made by a process that has just started.</summary>
public sealed class RootRotationTests : IAsyncLifetime
{
    private static readonly TimeSpan HalfLife = TimeSpan.FromDays(1825);

    private RotationScene _scene = null!;

    public async ValueTask InitializeAsync() => _scene = await RotationScene.SetAsync();

    public ValueTask DisposeAsync() => _scene.DisposeAsync();

    [Fact]
    public async Task Advance_BeforeHalfLife_OnlyReads()
    {
        (await _scene.RootsAsync()).Dispose();
        _scene.Time.Advance(HalfLife - TimeSpan.FromHours(1));
        _scene.Server.ClearCalls();

        var report = await _scene.AdvanceAsync(isComplete: true);

        Assert.Equal((RotationPhase.None, 1, 0), (report.Phase, report.Generation, report.Changes.Count));
        Assert.Equal(["get", "get"], _scene.Server.Calls.Select(call => call.Verb));
    }

    [Fact]
    public async Task Advance_NoRoot_DoesNothing()
    {
        var report = await _scene.AdvanceAsync(isComplete: true);
        Assert.Equal((RotationPhase.None, 0, null), (report.Phase, report.Generation, report.NotAfter));
    }

    [Fact]
    public async Task Advance_FromHalfLifeToTheEnd_ReplacesTheRootOnceAllClustersServeTheNext()
    {
        (await _scene.RootsAsync()).Dispose();
        var former = await _scene.FindAsync(RotationScene.Root);
        var formerId = await _scene.IdAsync(RotationScene.Root);
        _scene.Time.Advance(HalfLife);

        Assert.Equal(RotationPhase.Prepare, (await _scene.AdvanceAsync(isComplete: true, formerId)).Phase);
        var next = await _scene.FindAsync(RotationScene.Next);
        var nextId = await _scene.IdAsync(RotationScene.Next);
        Assert.NotEqual(formerId, nextId);
        Assert.Equal(
            "registry-addon-root-ca-next", (await _scene.FindAsync(RotationScene.Root))!.Metadata.Annotations![RootAnnotations.NextRoot]);

        Assert.NotNull((await _scene.AdvanceAsync(isComplete: false, nextId)).Waits);
        Assert.NotNull((await _scene.AdvanceAsync(isComplete: true, nextId, formerId)).Waits);
        Assert.Equal(former!.Data![SecretKeys.PrivateKey], (await _scene.FindAsync(RotationScene.Root))!.Data![SecretKeys.PrivateKey]);

        var end = await _scene.AdvanceAsync(isComplete: true, nextId);
        Assert.Equal((RotationPhase.None, 2), (end.Phase, end.Generation));
        var current = (await _scene.FindAsync(RotationScene.Root))!;
        Assert.Equal(next!.Data!.OrderBy(entry => entry.Key).Select(entry => Convert.ToBase64String(entry.Value)),
            current.Data!.OrderBy(entry => entry.Key).Select(entry => Convert.ToBase64String(entry.Value)));
        Assert.DoesNotContain(RootAnnotations.NextRoot, current.Metadata.Annotations!.Keys);
        Assert.Equal(former.Metadata.Uid, current.Metadata.Uid);
        Assert.Null(await _scene.FindAsync(RotationScene.Next));
        Assert.Empty((await _scene.AdvanceAsync(isComplete: true, nextId)).Changes);
    }

    /// <summary>
    /// The leader dies, or the connection breaks before or after the write, at every single write; a new leader always comes to the same
    /// end.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Advance_CutShortAtEachWriteInTurn_EndsTheSame(bool afterTheWrite)
    {
        for (var death = 1; death <= 5; death++)
        {
            await using var scene = await RotationScene.SetAsync();
            (await scene.RootsAsync()).Dispose();
            var formerId = await scene.IdAsync(RotationScene.Root);
            scene.Time.Advance(HalfLife);
            var writes = 0;
            scene.Server.InjectFault(call => call.Verb is "create" or "patch" or "delete" && ++writes == death
                ? afterTheWrite ? Fault.DropAfter() : Fault.DropBefore() : null);

            var faults = 0;
            var seen = new HashSet<string>();
            for (var pass = 0; pass < 8; pass++)
            {
                try
                {
                    string[] served = await scene.FindAsync(RotationScene.Next) is null
                        ? [await scene.IdAsync(RotationScene.Root)] : [await scene.IdAsync(RotationScene.Next)];
                    seen.UnionWith(served);
                    await scene.AdvanceAsync(isComplete: true, served);
                }
                catch (KubernetesApiException)
                {
                    faults++;
                }
            }

            Assert.Equal(death <= 4 ? 1 : 0, faults);
            Assert.Equal(2, seen.Count);
            Assert.NotEqual(formerId, await scene.IdAsync(RotationScene.Root));
            Assert.Null(await scene.FindAsync(RotationScene.Next));
            using var roots = await scene.RootsAsync();
            Assert.Equal((2, false), (roots.Generation, roots.IsRotating));
        }
    }

    [Fact]
    public async Task Advance_AskedFor_RotatesOncePerRequest()
    {
        (await _scene.RootsAsync()).Dispose();
        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.RotateRoot, "one");
        await RotateAsync();
        Assert.Empty((await _scene.AdvanceAsync(isComplete: true)).Changes);

        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.RotateRoot, "two");
        await RotateAsync();
        Assert.Equal(3, (await _scene.AdvanceAsync(isComplete: true)).Generation);
        Assert.Empty((await _scene.AdvanceAsync(isComplete: true)).Changes);
    }

    [Fact]
    public async Task Advance_AskedForAgainDuringARotation_RotatesOnceMore()
    {
        (await _scene.RootsAsync()).Dispose();
        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.RotateRoot, "one");
        await _scene.AdvanceAsync(isComplete: true);
        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.RotateRoot, "two");
        await _scene.AdvanceAsync(isComplete: true, await _scene.IdAsync(RotationScene.Next));
        Assert.Equal(RotationPhase.Prepare, (await _scene.AdvanceAsync(isComplete: true)).Phase);
    }

    /// <summary>A leader that was overtaken for a whole rotation has made a root that follows one that is gone.</summary>
    [Fact]
    public async Task Advance_NextOfAFormerRoot_IsDeletedWithoutHavingSigned()
    {
        (await _scene.RootsAsync()).Dispose();
        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.RotateRoot, "one");
        await _scene.AdvanceAsync(isComplete: true);
        var stale = (await _scene.FindAsync(RotationScene.Next))!;
        await _scene.AdvanceAsync(isComplete: true, await _scene.IdAsync(RotationScene.Next));
        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.RotateRoot, "two");
        using var other = Samples.NewRoot();
        await _scene.Client.CreateAsync(
            CoreResources.Secrets,
            stale with { Metadata = stale.Metadata with { ResourceVersion = null, Uid = null, CreationTimestamp = null },
            Data = SecretKeys.Tls(other, other.CertificatePem) },
            "test", TestContext.Current.CancellationToken);

        await _scene.AdvanceAsync(isComplete: true);
        Assert.Null(await _scene.FindAsync(RotationScene.Next));
        Assert.Equal(RotationPhase.Prepare, (await _scene.AdvanceAsync(isComplete: true)).Phase);
    }

    [Fact]
    public async Task Advance_RootReplacedByHandDuringARotation_TouchesNothingAndSaysSo()
    {
        (await _scene.RootsAsync()).Dispose();
        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.RotateRoot, "one");
        await _scene.AdvanceAsync(isComplete: true);
        using var other = Samples.NewRoot();
        await _scene.ReplaceRootAsync(other);
        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.NextRoot, RotationScene.Next.Name);

        var report = await _scene.AdvanceAsync(isComplete: true);

        Assert.Contains("follows another root", report.Problem, StringComparison.Ordinal);
        Assert.Empty(report.Changes);
        using var roots = await _scene.RootsAsync();
        Assert.False(roots.IsRotating);
    }

    [Fact]
    public async Task Advance_NextDeletedByHand_GivesTheRotationUpAndBeginsAnew()
    {
        (await _scene.RootsAsync()).Dispose();
        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.RotateRoot, "one");
        await _scene.AdvanceAsync(isComplete: true);
        await _scene.DeleteAsync(RotationScene.Next);

        Assert.Equal(RotationPhase.None, (await _scene.AdvanceAsync(isComplete: true)).Phase);
        Assert.Equal(RotationPhase.Prepare, (await _scene.AdvanceAsync(isComplete: true)).Phase);
    }

    /// <summary>Clusters that never switched can't be helped by waiting: their root has ended.</summary>
    [Fact]
    public async Task Advance_RootEndedDuringTheRotation_PromotesAnyway()
    {
        (await _scene.RootsAsync()).Dispose();
        _scene.Time.Advance(HalfLife);
        await _scene.AdvanceAsync(isComplete: false);
        _scene.Time.Advance(HalfLife + TimeSpan.FromMinutes(1));

        var report = await _scene.AdvanceAsync(isComplete: false, await _scene.IdAsync(RotationScene.Root));

        Assert.Equal(2, report.Generation);
        Assert.Null(await _scene.FindAsync(RotationScene.Next));
    }

    [Fact]
    public async Task Advance_RootOfCertManager_IsLeftToIt()
    {
        (await _scene.RootsAsync()).Dispose();
        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.CertManager, "root");
        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.RotateRoot, "one");

        var report = await _scene.AdvanceAsync(isComplete: true);

        Assert.Contains("written by cert-manager", report.Problem, StringComparison.Ordinal);
        Assert.Null(await _scene.FindAsync(RotationScene.Next));
    }

    [Fact]
    public async Task Advance_External_NeverRotates()
    {
        await using var scene = await RotationScene.SetAsync(RootSource.External);
        using var pair = Samples.NewRoot();
        await scene.ReplaceRootAsync(pair);
        await scene.AnnotateAsync(RotationScene.Root, RootAnnotations.RotateRoot, "one");
        scene.Time.Advance(HalfLife + HalfLife);

        var report = await scene.AdvanceAsync(isComplete: true);

        Assert.Equal((RotationPhase.None, 0), (report.Phase, report.Changes.Count));
    }

    /// <summary>
    /// Seven cross-certificates are kept. A node that only knows the eighth root back would be cut off, so the rotation waits for it to
    /// be replaced.
    /// </summary>
    [Fact]
    public async Task Advance_TooManyRotationsWithOldNodes_WaitsForThem()
    {
        (await _scene.RootsAsync()).Dispose();
        var first = await _scene.RootBundleAsync(RotationScene.Root);
        for (var rotation = 1; rotation <= PemLimits.CrossCertificates; rotation++)
        {
            await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.RotateRoot, $"{rotation}");
            await RotateAsync();
        }

        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.RotateRoot, "one more");
        Assert.Contains(
            "replace the oldest Machines first", (await _scene.AdvanceAsync(isComplete: true, first)).Problem, StringComparison.Ordinal);
        Assert.Null(await _scene.FindAsync(RotationScene.Next));
        Assert.Equal(
            RotationPhase.Prepare, (await _scene.AdvanceAsync(isComplete: true, await _scene.RootBundleAsync(RotationScene.Root))).Phase);
        using var roots = await _scene.RootsAsync();
        using var leaf = roots.Authority.Issue(Samples.Server(), _scene.Time);
        Assert.Equal(1 + PemLimits.CrossCertificates, PathJudges.ReadWithBouncyCastle(leaf.CertificatePem).Length);
    }

    [Fact]
    public async Task Ensure_DuringARotation_CostsOneReadMore()
    {
        (await _scene.RootsAsync()).Dispose();
        await _scene.TrustAsync();
        Assert.Equal(2, await ReadsAsync());
        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.RotateRoot, "one");
        await _scene.AdvanceAsync(isComplete: true);
        await _scene.TrustAsync();
        Assert.Equal(3, await ReadsAsync());
    }

    private async Task<int> ReadsAsync()
    {
        _scene.Server.ClearCalls();
        var (roots, signer) = await _scene.TrustAsync();
        roots.Value!.Dispose();
        Assert.Null(signer.Change);
        Assert.All(_scene.Server.Calls, call => Assert.Equal("get", call.Verb));
        return _scene.Server.Calls.Count;
    }

    private async Task RotateAsync()
    {
        Assert.Equal(RotationPhase.Prepare, (await _scene.AdvanceAsync(isComplete: true)).Phase);
        await _scene.AdvanceAsync(isComplete: true, await _scene.IdAsync(RotationScene.Next));
        Assert.Null(await _scene.FindAsync(RotationScene.Next));
    }
}
