using CapiRegistryHook.Certificates;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Unit.Tests.Certificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Trust;

/// <summary>The steps of a rotation as the API server sees them. Every call is made by a process that has just started.</summary>
public sealed class RootRotationTests : IAsyncLifetime
{
    private static readonly TimeSpan HalfLife = TimeSpan.FromDays(1825);

    private RotationFixture _fixture = null!;

    public async ValueTask InitializeAsync() => _fixture = await RotationFixture.StartAsync();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Advance_BeforeHalfLife_OnlyReads()
    {
        (await _fixture.RootsAsync()).Dispose();
        _fixture.Time.Advance(HalfLife - TimeSpan.FromHours(1));
        _fixture.Server.ClearCalls();

        var report = await _fixture.AdvanceAsync(isComplete: true);

        Assert.Equal((RotationPhase.None, 1, 0), (report.Phase, report.Generation, report.Changes.Count));
        Assert.Equal(["get", "get"], _fixture.Server.Calls.Select(call => call.Verb));
    }

    [Fact]
    public async Task Advance_NoRoot_DoesNothing()
    {
        var report = await _fixture.AdvanceAsync(isComplete: true);
        Assert.Equal((RotationPhase.None, 0, null), (report.Phase, report.Generation, report.NotAfter));
    }

    [Fact]
    public async Task Advance_FromHalfLifeToTheEnd_ReplacesTheRootOnceAllClustersServeTheNext()
    {
        (await _fixture.RootsAsync()).Dispose();
        var former = await _fixture.FindAsync(RotationFixture.Root);
        var formerId = await _fixture.IdAsync(RotationFixture.Root);
        _fixture.Time.Advance(HalfLife);

        Assert.Equal(RotationPhase.Prepare, (await _fixture.AdvanceAsync(isComplete: true, formerId)).Phase);
        var next = await _fixture.FindAsync(RotationFixture.Next);
        var nextId = await _fixture.IdAsync(RotationFixture.Next);
        Assert.NotEqual(formerId, nextId);
        Assert.Equal(
            "registry-addon-root-ca-next",
            (await _fixture.FindAsync(RotationFixture.Root))!.Metadata.Annotations![RootAnnotations.NextRoot]);

        Assert.NotNull((await _fixture.AdvanceAsync(isComplete: false, nextId)).Waits);
        Assert.NotNull((await _fixture.AdvanceAsync(isComplete: true, nextId, formerId)).Waits);
        Assert.Equal(former!.Data![SecretKeys.PrivateKey], (await _fixture.FindAsync(RotationFixture.Root))!.Data![SecretKeys.PrivateKey]);

        var end = await _fixture.AdvanceAsync(isComplete: true, nextId);
        Assert.Equal((RotationPhase.None, 2), (end.Phase, end.Generation));
        var current = (await _fixture.FindAsync(RotationFixture.Root))!;
        Assert.Equal(next!.Data!.OrderBy(entry => entry.Key).Select(entry => Convert.ToBase64String(entry.Value)),
            current.Data!.OrderBy(entry => entry.Key).Select(entry => Convert.ToBase64String(entry.Value)));
        Assert.DoesNotContain(RootAnnotations.NextRoot, current.Metadata.Annotations!.Keys);
        Assert.Equal(former.Metadata.Uid, current.Metadata.Uid);
        Assert.Null(await _fixture.FindAsync(RotationFixture.Next));
        Assert.Empty((await _fixture.AdvanceAsync(isComplete: true, nextId)).Changes);
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
            await using var fixture = await RotationFixture.StartAsync();
            (await fixture.RootsAsync()).Dispose();
            var formerId = await fixture.IdAsync(RotationFixture.Root);
            fixture.Time.Advance(HalfLife);
            var writes = 0;
            fixture.Server.InjectFault(call => call.Verb is "create" or "patch" or "delete" && ++writes == death
                ? afterTheWrite ? Fault.DropAfter() : Fault.DropBefore() : null);

            var faults = 0;
            var seen = new HashSet<string>();
            for (var pass = 0; pass < 8; pass++)
            {
                try
                {
                    string[] served = await fixture.FindAsync(RotationFixture.Next) is null
                        ? [await fixture.IdAsync(RotationFixture.Root)] : [await fixture.IdAsync(RotationFixture.Next)];
                    seen.UnionWith(served);
                    await fixture.AdvanceAsync(isComplete: true, served);
                }
                catch (KubernetesApiException)
                {
                    faults++;
                }
            }

            Assert.Equal(death <= 4 ? 1 : 0, faults);
            Assert.Equal(2, seen.Count);
            Assert.NotEqual(formerId, await fixture.IdAsync(RotationFixture.Root));
            Assert.Null(await fixture.FindAsync(RotationFixture.Next));
            using var roots = await fixture.RootsAsync();
            Assert.Equal((2, false), (roots.Generation, roots.IsRotating));
        }
    }

    [Fact]
    public async Task Advance_AskedFor_RotatesOncePerRequest()
    {
        (await _fixture.RootsAsync()).Dispose();
        await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "one");
        await RotateAsync();
        Assert.Empty((await _fixture.AdvanceAsync(isComplete: true)).Changes);

        await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "two");
        await RotateAsync();
        Assert.Equal(3, (await _fixture.AdvanceAsync(isComplete: true)).Generation);
        Assert.Empty((await _fixture.AdvanceAsync(isComplete: true)).Changes);
    }

    [Fact]
    public async Task Advance_AskedForAgainDuringARotation_RotatesOnceMore()
    {
        (await _fixture.RootsAsync()).Dispose();
        await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "one");
        await _fixture.AdvanceAsync(isComplete: true);
        await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "two");
        await _fixture.AdvanceAsync(isComplete: true, await _fixture.IdAsync(RotationFixture.Next));
        Assert.Equal(RotationPhase.Prepare, (await _fixture.AdvanceAsync(isComplete: true)).Phase);
    }

    /// <summary>A leader that was overtaken for a whole rotation has made a root that follows one that is gone.</summary>
    [Fact]
    public async Task Advance_NextOfAFormerRoot_IsDeletedWithoutHavingSigned()
    {
        (await _fixture.RootsAsync()).Dispose();
        await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "one");
        await _fixture.AdvanceAsync(isComplete: true);
        var stale = (await _fixture.FindAsync(RotationFixture.Next))!;
        await _fixture.AdvanceAsync(isComplete: true, await _fixture.IdAsync(RotationFixture.Next));
        await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "two");
        using var other = Samples.NewRoot();
        await _fixture.Client.CreateAsync(
            CoreResources.Secrets,
            stale with { Metadata = stale.Metadata with { ResourceVersion = null, Uid = null, CreationTimestamp = null },
            Data = SecretKeys.Tls(other, other.CertificatePem) },
            "test", TestContext.Current.CancellationToken);

        await _fixture.AdvanceAsync(isComplete: true);
        Assert.Null(await _fixture.FindAsync(RotationFixture.Next));
        Assert.Equal(RotationPhase.Prepare, (await _fixture.AdvanceAsync(isComplete: true)).Phase);
    }

    [Fact]
    public async Task Advance_RootReplacedByHandDuringARotation_TouchesNothingAndSaysSo()
    {
        (await _fixture.RootsAsync()).Dispose();
        await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "one");
        await _fixture.AdvanceAsync(isComplete: true);
        using var other = Samples.NewRoot();
        await _fixture.ReplaceRootAsync(other);
        await _fixture.AnnotateAsync(RotationFixture.Root, RootAnnotations.NextRoot, RotationFixture.Next.Name);

        var report = await _fixture.AdvanceAsync(isComplete: true);

        Assert.Contains("does not follow the root", report.Problem, StringComparison.Ordinal);
        Assert.Empty(report.Changes);
        using var roots = await _fixture.RootsAsync();
        Assert.False(roots.IsRotating);
    }

    [Fact]
    public async Task Advance_NextDeletedByHand_GivesTheRotationUpAndBeginsAnew()
    {
        (await _fixture.RootsAsync()).Dispose();
        await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "one");
        await _fixture.AdvanceAsync(isComplete: true);
        await _fixture.DeleteAsync(RotationFixture.Next);

        Assert.Equal(RotationPhase.None, (await _fixture.AdvanceAsync(isComplete: true)).Phase);
        Assert.Equal(RotationPhase.Prepare, (await _fixture.AdvanceAsync(isComplete: true)).Phase);
    }

    [Fact]
    public async Task Advance_NextHeldByAFinalizer_WaitsWithoutWriting()
    {
        (await _fixture.RootsAsync()).Dispose();
        await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "one");
        await _fixture.AdvanceAsync(isComplete: true);
        await _fixture.HoldAsync(RotationFixture.Next);
        await _fixture.AdvanceAsync(isComplete: true, await _fixture.IdAsync(RotationFixture.Next));
        _fixture.Server.ClearCalls();

        var report = await _fixture.AdvanceAsync(isComplete: true);

        Assert.Equal((2, 0), (report.Generation, report.Changes.Count));
        Assert.Contains("finalizer", report.Waits, StringComparison.Ordinal);
        Assert.Equal(["get", "get"], _fixture.Server.Calls.Select(call => call.Verb));
    }

    /// <summary>Clusters that never switched can't be helped by waiting: their root has ended.</summary>
    [Fact]
    public async Task Advance_RootEndedDuringTheRotation_PromotesAnyway()
    {
        (await _fixture.RootsAsync()).Dispose();
        _fixture.Time.Advance(HalfLife);
        await _fixture.AdvanceAsync(isComplete: false);
        _fixture.Time.Advance(HalfLife + TimeSpan.FromMinutes(1));

        var report = await _fixture.AdvanceAsync(isComplete: false, await _fixture.IdAsync(RotationFixture.Root));

        Assert.Equal(2, report.Generation);
        Assert.Null(await _fixture.FindAsync(RotationFixture.Next));
    }

    [Fact]
    public async Task Advance_RootOfCertManager_IsLeftToIt()
    {
        (await _fixture.RootsAsync()).Dispose();
        await _fixture.AnnotateAsync(RotationFixture.Root, RootAnnotations.CertManager, "root");
        await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "one");

        var report = await _fixture.AdvanceAsync(isComplete: true);

        Assert.Contains("cert-manager manages it", report.Problem, StringComparison.Ordinal);
        Assert.Null(await _fixture.FindAsync(RotationFixture.Next));
    }

    [Fact]
    public async Task Advance_External_NeverRotates()
    {
        await using var fixture = await RotationFixture.StartAsync(RootSource.External);
        using var pair = Samples.NewRoot();
        await fixture.ReplaceRootAsync(pair);
        await fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "one");
        fixture.Time.Advance(HalfLife + HalfLife);

        var report = await fixture.AdvanceAsync(isComplete: true);

        Assert.Equal((RotationPhase.None, 0), (report.Phase, report.Changes.Count));
    }

    /// <summary>
    /// Seven cross-certificates are kept. A node that only knows the eighth root back would be cut off, so the rotation waits for it to
    /// be replaced.
    /// </summary>
    [Fact]
    public async Task Advance_TooManyRotationsWithOldNodes_WaitsForThem()
    {
        (await _fixture.RootsAsync()).Dispose();
        var first = await _fixture.RootBundleAsync(RotationFixture.Root);
        for (var rotation = 1; rotation <= PemLimits.CrossCertificates; rotation++)
        {
            await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, $"{rotation}");
            await RotateAsync();
        }

        await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "one more");
        Assert.Contains(
            "replace the oldest Machines first", (await _fixture.AdvanceAsync(isComplete: true, first)).Problem, StringComparison.Ordinal);
        Assert.Null(await _fixture.FindAsync(RotationFixture.Next));
        Assert.Equal(
            RotationPhase.Prepare,
            (await _fixture.AdvanceAsync(isComplete: true, await _fixture.RootBundleAsync(RotationFixture.Root))).Phase);
        using var roots = await _fixture.RootsAsync();
        using var leaf = roots.Authority.Issue(Samples.Server(), _fixture.Time);
        Assert.Equal(1 + PemLimits.CrossCertificates, PathJudges.ReadWithBouncyCastle(leaf.CertificatePem).Length);
    }

    [Fact]
    public async Task Ensure_DuringARotation_CostsOneReadMore()
    {
        (await _fixture.RootsAsync()).Dispose();
        await _fixture.TrustAsync();
        Assert.Equal(2, await ReadsAsync());
        await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "one");
        await _fixture.AdvanceAsync(isComplete: true);
        await _fixture.TrustAsync();
        Assert.Equal(3, await ReadsAsync());
    }

    private async Task<int> ReadsAsync()
    {
        _fixture.Server.ClearCalls();
        var (roots, signer) = await _fixture.TrustAsync();
        roots.Value!.Dispose();
        Assert.Empty(_fixture.Changes);
        Assert.All(_fixture.Server.Calls, call => Assert.Equal("get", call.Verb));
        return _fixture.Server.Calls.Count;
    }

    private async Task RotateAsync()
    {
        Assert.Equal(RotationPhase.Prepare, (await _fixture.AdvanceAsync(isComplete: true)).Phase);
        await _fixture.AdvanceAsync(isComplete: true, await _fixture.IdAsync(RotationFixture.Next));
        Assert.Null(await _fixture.FindAsync(RotationFixture.Next));
    }
}
