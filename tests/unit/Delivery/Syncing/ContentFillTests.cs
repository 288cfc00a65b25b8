using System.Text;
using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Syncing;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Unit.Tests.Content;

namespace CapiRegistryHook.Unit.Tests.Delivery.Syncing;

/// <summary>The lock comes last, and what leaves it takes nothing along that somebody else needs.</summary>
public sealed class ContentFillTests : IDisposable
{
    private static readonly ContentKey Base = new("team-a", "base");

    private readonly MemorySource _source = new();
    private readonly MemoryRegistry[] _replicas = [new(), new()];
    private readonly RegistryTarget _target;

    public ContentFillTests()
    {
        var options = new RegistryOptions { Retry = Fixtures.Impatient };
        _target = new RegistryTarget("team-a/one", MirrorRule.ByPath, [.. _replicas.Select((registry, ordinal) =>
            new RegistryReplica($"registry-{ordinal}", new Uri("https://registry.test/"), registry, options))], primary: 0);
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private MemoryRegistry Primary => _replicas[0];

    public void Dispose()
    {
        _target.Dispose();
        foreach (var replica in _replicas)
            replica.Dispose();
    }

    /// <summary>Replicas copy what is there from each other, so a tag that one of them keeps comes back.</summary>
    [Fact]
    public async Task Run_TagLeftTheLock_GoesFromEveryReplica()
    {
        var (app, tool) = (_source.AddImage("app"), _source.AddImage("tool"));
        await FillBothAsync(("test/app:1", app), ("test/tool:2", tool));

        Assert.Null(await PruneAsync(("test/app:1", app)));

        foreach (var replica in _replicas)
        {
            Assert.Contains("test/app:1", replica.Manifests.Keys);
            Assert.DoesNotContain("test/tool:2", replica.Manifests.Keys);
        }
    }

    [Fact]
    public async Task Run_ManifestThatLeftIsAPartOfAnIndexThatStays_TheIndexStaysWhole()
    {
        Primary.RemovesManifestsOnly = true;
        var (amd, arm) = (_source.AddImage("app"), _source.AddImage("app", "arm64"));
        var index = _source.AddIndex(amd, arm);
        await FillAsync(("test/app:1", index), ("test/app:1-amd64", amd));

        Assert.Null(await PruneAsync(("test/app:1", index)));

        Assert.Contains($"test/app:{amd.Digest}", Primary.Manifests.Keys);
        Assert.Empty(await VerifyAsync(("test/app:1", index)));
    }

    [Fact]
    public async Task Run_IndexByDigestAloneNeedsTheManifestThatLeft_StaysWhole()
    {
        Primary.RemovesManifestsOnly = true;
        var amd = _source.AddImage("app");
        var index = _source.AddIndex(amd, _source.AddImage("app", "arm64"));
        await FillAsync(($"test/app@{index.Digest}", index), ("test/app:1-amd64", amd));

        Assert.Null(await PruneAsync(($"test/app@{index.Digest}", index)));

        Assert.Contains($"test/app:{amd.Digest}", Primary.Manifests.Keys);
    }

    /// <summary>1.25 and 1.25.3 are often the same image; one of them leaves.</summary>
    [Fact]
    public async Task Run_OtherTagOfTheSameManifestStays_IsComplete()
    {
        Primary.RemovesManifestsOnly = true;
        var app = _source.AddImage("app");
        await FillAsync(("test/app:1", app), ("test/app:1.0", app));

        Assert.Null(await PruneAsync(("test/app:1.0", app)));

        Assert.Empty(await VerifyAsync(("test/app:1.0", app)));
    }

    /// <summary>The list of RegistryContents of another namespace may be late, or refused; the lock in the registry says it too.</summary>
    [Fact]
    public async Task Run_LockOfAContentThatIsNotKnown_KeepsItsTags()
    {
        var (app, tool) = (_source.AddImage("app"), _source.AddImage("tool"));
        await FillAsync(("test/app:1", app), ("test/tool:2", tool));
        using var other = Content(new ContentKey("platform", "base"), ("test/tool:2", tool));
        Assert.Null(await Fill().RunAsync(other, others: null, Cancelled));

        Assert.Null(await PruneAsync(("test/app:1", app)));

        Assert.Contains("test/tool:2", Primary.Manifests.Keys);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("""{"version":1,"content":[{"name":"\ud800","digest":"x"}]}""")]
    public async Task Run_LockOfAnotherContentIsDamaged_RemovesNothing(string text)
    {
        var (app, tool) = (_source.AddImage("app"), _source.AddImage("tool"));
        await FillAsync(("test/app:1", app), ("test/tool:2", tool));
        var damaged = new MemoryArtifact("damaged", ContentArtifact.Type, ContentArtifact.LockType, Encoding.UTF8.GetBytes(text),
            new Dictionary<string, string>());
        await CopyAsync(new CopyItem("damaged", damaged, damaged.Root, ContentArtifact.Repository, "platform.base"));

        Assert.Null(await PruneAsync(("test/app:1", app)));

        Assert.Contains("test/tool:2", Primary.Manifests.Keys);
    }

    /// <summary>An entry moves from one content to another, which is filled later.</summary>
    [Fact]
    public async Task Run_AnotherContentIsAboutToBringIt_Stays()
    {
        var (app, tool) = (_source.AddImage("app"), _source.AddImage("tool"));
        await FillAsync(("test/app:1", app), ("test/tool:2", tool));
        using var other = Content(new ContentKey("team-a", "tools"), ("test/tool:2", tool));

        Assert.Null(await PruneAsync([new OtherContent(other.Key, other.Named)], ("test/app:1", app)));

        Assert.Contains("test/tool:2", Primary.Manifests.Keys);
    }

    [Fact]
    public async Task Run_ManifestIsRemovedMeanwhile_WritesNoLock()
    {
        var puts = 0;
        Primary.Fault = request =>
        {
            if (puts == 4)
                Primary.Manifests.TryRemove("test/app:1", out _);
            puts += request.Method == HttpMethod.Put && request.RequestUri!.AbsolutePath.Contains("/manifests/", StringComparison.Ordinal)
                ? 1 : 0;
            return null;
        };
        using var content = Content(Base, ("test/app:1", _source.AddImage("app")), ("test/tool:2", _source.AddImage("tool")));

        var reason = await Fill().RunAsync(content, others: null, Cancelled);

        Assert.Equal("Not everything is in the registry after it was filled: docker.io/test/app:1: test/app:1 is missing.", reason);
        Assert.DoesNotContain(Primary.Manifests.Keys, key => key.StartsWith(ContentArtifact.Repository, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_EntryWhereLocksLie_IsRefused()
    {
        using var content = Content(Base, ($"{ContentArtifact.Repository}:platform.base", _source.AddImage("forged")));

        var reason = await Fill().RunAsync(content, others: null, Cancelled);

        Assert.Contains("where the registry keeps its locks", reason, StringComparison.Ordinal);
        Assert.Empty(Primary.Manifests);
    }

    private ContentFill Fill() => new(_target, streams: 1, new SyncStatistics());

    private async Task FillAsync(params (string Name, Descriptor Root)[] entries)
    {
        using var content = Content(Base, entries);
        Assert.Null(await Fill().RunAsync(content, others: null, Cancelled));
    }

    private async Task FillBothAsync(params (string Name, Descriptor Root)[] entries)
    {
        await FillAsync(entries);
        foreach (var (key, value) in Primary.Manifests)
            _replicas[1].Manifests[key] = value;
    }

    private Task<string?> PruneAsync(params (string Name, Descriptor Root)[] entries) => PruneAsync([], entries);

    private async Task<string?> PruneAsync(IReadOnlyList<OtherContent> others, params (string Name, Descriptor Root)[] entries)
    {
        using var content = Content(Base, entries);
        return await Fill().RunAsync(content, others, Cancelled);
    }

    private async Task<IReadOnlyList<CopyFailure>> VerifyAsync(params (string Name, Descriptor Root)[] entries)
    {
        using var content = Content(Base, entries);
        var expected = ContentPlaces.ToExpect(content.Named, ContentPlaces.Map(content.Named, MirrorRule.ByPath));
        return await RegistryVerification.RunAsync(_target.Client, expected, workers: 1, Cancelled);
    }

    private Task<CopyReport> CopyAsync(CopyItem item) => ContentCopy.RunAsync(_target.Client, [item], new CopyOptions(), Cancelled);

    private ResolvedContent Content(ContentKey key, params (string Name, Descriptor Root)[] entries)
    {
        var sources = entries.Select(entry => Reference.Parse($"docker.io/{entry.Name}"))
            .Zip(entries, (name, entry) => new SourceEntry(LockText.NameOf(name), _source, entry.Root) { Name = name }).ToList();
        var named = sources.Select(
            entry => new ContentPlaces.Named(entry.Label, entry.Name, Place: null, entry.Root.Digest, IsImage: true));
        return new ResolvedContent(key, sources, [.. named], new MemoryStream()) { Way = "memory" };
    }
}
