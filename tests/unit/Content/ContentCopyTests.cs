using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Unit.Tests.Content;

public sealed class ContentCopyTests : IDisposable
{
    private readonly MemoryRegistry _registry = new();
    private readonly MemorySource _source = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _registry.Dispose();

    [Fact]
    public async Task Run_IndexOfTwoPlatforms_GoesUpInOrderAndTheTagLast()
    {
        var index = _source.AddIndex(_source.AddImage("a"), _source.AddImage("a", "arm64"));
        var report = await RunAsync(Item("x", index));
        Assert.Empty(report.Failures);
        Assert.EndsWith("/v2/x/manifests/1", _registry.Calls.Last(), StringComparison.Ordinal);
        Assert.Equal(index.Digest, Digest.Compute(_registry.Manifests["x:1"].Bytes));
        // The registry itself refuses a manifest before its blobs, and an index before its manifests.
        Assert.Equal((3, 4), (report.BlobsSent, report.ManifestsSent));
    }

    [Fact]
    public async Task Run_Again_SendsNothing()
    {
        var items = new[] { Item("x", _source.AddImage("a")), Item("y", _source.AddImage("b")) };
        await RunAsync(items);
        var received = _registry.Received;
        var report = await RunAsync(items);
        Assert.Equal((0L, 0, 4, 0), (report.BytesSent, report.BlobsSent, report.BlobsSkipped, report.ManifestsSent));
        Assert.Equal(received, _registry.Received);
    }

    [Fact]
    public async Task Run_SharedBlob_IsSentOnceAndMounted()
    {
        var shared = Fixtures.Bytes(5000);
        var report = await RunAsync([.. Enumerable.Range(0, 5)
            .Select(number => Item($"r{number}", _source.AddImage($"{number}", "amd64", shared)))]);
        Assert.Empty(report.Failures);
        Assert.Equal(4, report.BlobsMounted);
        Assert.Equal(5, _registry.Blobs.Keys.Count(key => key.EndsWith(Digest.Compute(shared).ToString(), StringComparison.Ordinal)));
        Assert.Single(_source.Opened, opened => opened.Digest == Digest.Compute(shared));
    }

    [Fact]
    public async Task Run_RegistryThatDoesNotMount_GetsTheBlobInstead()
    {
        _registry.Mounts = false;
        var shared = Fixtures.Bytes(5000);
        var report = await RunAsync(Item("x", _source.AddImage("x", "amd64", shared)), Item("y", _source.AddImage("y", "amd64", shared)));
        Assert.Empty(report.Failures);
        Assert.Equal(0, report.BlobsMounted);
        Assert.Equal(2, _registry.Blobs.Keys.Count(key => key.EndsWith(Digest.Compute(shared).ToString(), StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Run_BlobMissingEverywhere_FailsThatItemBeforeAnythingOfItIsSent()
    {
        var layer = Fixtures.Bytes(100);
        var broken = _source.AddImage("broken", "amd64", layer, Fixtures.Bytes(200));
        var fine = _source.AddImage("fine");
        _source.Files.Remove(Digest.Compute(layer));
        var report = await RunAsync(Item("broken", broken), Item("fine", fine));
        Assert.Equal(["fine:1"], report.Copied);
        var failure = Assert.Single(report.Failures);
        Assert.Equal("broken:1", failure.Label);
        Assert.Contains("push the older bundle first", failure.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(_registry.Calls, call => call.StartsWith("POST /v2/broken", StringComparison.Ordinal)
            || call.StartsWith("PUT /v2/broken", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_BlobThatTheTargetHas_IsNotMissed()
    {
        var layer = Fixtures.Bytes(100);
        var image = _source.AddImage("x", "amd64", layer);
        _source.Files.Remove(Digest.Compute(layer));
        _registry.AddBlob("x", layer);
        Assert.Empty((await RunAsync(Item("x", image))).Failures);
    }

    [Fact]
    public async Task Run_CorruptBlob_FailsOneItemWithItsNameAndNoTagAppears()
    {
        var layer = Fixtures.Bytes(100);
        var image = _source.AddImage("x", "amd64", layer);
        _source.Files[Digest.Compute(layer)] = Fixtures.Bytes(100, seed: 9);
        var report = await RunAsync(Item("x", image), Item("y", _source.AddImage("y")));
        Assert.Equal(["y:1"], report.Copied);
        Assert.Contains("is corrupt", Assert.Single(report.Failures).Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("x:1", _registry.Manifests.Keys);
    }

    [Fact]
    public async Task Run_TwoImagesForOnePlace_AreRefusedBeforeAnyCall()
    {
        var items = new[] { new CopyItem("docker.io/a/x:1", _source, _source.AddImage("1"), "a/x", "1"),
            new CopyItem("ghcr.io/a/x:1", _source, _source.AddImage("2"), "a/x", "1") };
        var exception = await Assert.ThrowsAsync<ContentException>(() => RunAsync(items));
        Assert.Contains("docker.io/a/x:1 and ghcr.io/a/x:1", exception.Message, StringComparison.Ordinal);
        Assert.Empty(_registry.Calls);
    }

    [Fact]
    public async Task Run_SparseIndex_IsRefusedUnlessAllowedOrThere()
    {
        var (here, away) = (_source.AddImage("a"), _source.AddImage("a", "arm64"));
        var index = _source.AddIndex(here, away);
        var bytes = _source.Files[away.Digest];
        _source.Files.Remove(away.Digest);
        Assert.Contains(away.Digest.ToString(), Assert.Single((await RunAsync(Item("x", index))).Failures).Reason,
            StringComparison.Ordinal);
        Assert.DoesNotContain(_registry.Calls, call => call.StartsWith("POST", StringComparison.Ordinal));
        _registry.AddManifest("x", tag: null, bytes, MediaTypes.OciManifest);
        Assert.Empty((await RunAsync(Item("x", index))).Failures);
    }

    [Fact]
    public async Task Run_IndexOfIndexesWithoutEnd_IsRefused()
    {
        var index = _source.AddIndex(_source.AddImage("a"));
        for (var depth = 0; depth < 20; depth++)
            index = _source.AddIndex(index);
        Assert.Contains("nested more than 8 deep", Assert.Single((await RunAsync(Item("x", index))).Failures).Reason,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Referrers_AreListedUnderTheTagAndCosignTagsExist()
    {
        var image = _source.AddImage("a");
        var sbom = _source.AddReferrer(image, "application/spdx+json");
        var other = _source.AddReferrer(image, "application/vnd.example");
        var signature = _source.AddCosign(image);
        Assert.Empty((await RunAsync(Item("x", image))).Failures);
        Assert.Empty((await RunAsync(Item("x", image))).Failures);

        using var client = _registry.Client();
        var referrers = await client.ReferrersAsync("x", image.Digest, Cancelled);
        Assert.Equal(new[] { sbom.Digest, other.Digest }.OrderBy(digest => digest.ToString(), StringComparer.Ordinal), referrers
            .Select(entry => entry.Digest));
        Assert.Contains("application/spdx+json", referrers.Select(entry => entry.ArtifactType));
        Assert.Equal(signature.Digest, Digest.Compute(_registry.Manifests[$"x:sha256-{image.Digest.Hex}.sig"].Bytes));
    }

    [Fact]
    public async Task Plan_SaysWhatRunSends_AndWritesNothing()
    {
        var shared = Fixtures.Bytes(5000);
        var items = new[] { Item("x", _source.AddImage("x", "amd64", shared)), Item("y", _source.AddImage("y", "amd64", shared)) };
        using var client = _registry.Client();
        var plan = await ContentCopy.PlanAsync(client, items, new CopyOptions(), Cancelled);
        Assert.All(_registry.Calls, call => Assert.StartsWith("HEAD", call, StringComparison.Ordinal));
        var report = await RunAsync(items);
        Assert.Equal((report.BytesSent, report.BlobsSent, report.BlobsMounted), (plan.BytesSent, plan.BlobsSent, plan.BlobsMounted));
    }

    [Fact]
    public async Task Run_Progress_EndsWithEverythingDone()
    {
        var last = new Last();
        using var client = _registry.Client();
        await ContentCopy.RunAsync(client, [Item("x", _source.AddImage("x"))], new CopyOptions { Progress = last }, Cancelled);
        Assert.Equal((2, 2), (last.Value.Blobs, last.Value.BlobsDone));
        Assert.Equal(last.Value.Bytes, last.Value.BytesSent);
    }

    [Fact]
    public async Task Verify_OfARegistry_NamesWhatIsNotComplete()
    {
        var (fine, broken) = (_source.AddImage("fine"), _source.AddImage("broken", "amd64", Fixtures.Bytes(10)));
        await RunAsync(Item("fine", fine), Item("broken", broken));
        _registry.Blobs.TryRemove($"broken@{Digest.Compute(Fixtures.Bytes(10))}", out _);
        using var client = _registry.Client();
        ExpectedContent[] expected =
        [
            new("a", "broken", "1", broken.Digest), new("b", "fine", "1", fine.Digest), new("c", "fine", "1", broken.Digest),
                new("d", "none", "1", fine.Digest),
        ];
        var problems = await RegistryVerification.RunAsync(client, expected, workers: 3, Cancelled);
        Assert.Equal(["a", "c", "d"], problems.Select(problem => problem.Label));
        Assert.Contains("The blob", problems[0].Reason, StringComparison.Ordinal);
        Assert.Contains("instead of", problems[1].Reason, StringComparison.Ordinal);
        Assert.Contains("none:1 is missing", problems[2].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_OfARepository_SaysWhatEachTagIs()
    {
        var image = _source.AddImage("a", "arm64");
        _source.AddReferrer(image, "application/spdx+json");
        _source.AddCosign(image);
        await RunAsync(Item("x", image));
        _registry.AddManifest("x", "old", """{"schemaVersion":1}"""u8.ToArray(), "application/vnd.docker.distribution.manifest.v1+json");
        using var client = _registry.Client();
        var listed = await CapiRegistryHook.Content.Bundles.RegistryListing.ReadAsync(client, "x", Cancelled).ToListAsync(Cancelled);
        Assert.Equal(["1", "old", $"sha256-{image.Digest.Hex}.sig"], listed.Select(entry => entry.Tag));
        Assert.Equal((ContentKind.Image, "linux/arm64"), (listed[0].Content!.Kind, Assert.Single(listed[0].Content!.Platforms)));
        Assert.Contains("schema 1", listed[1].Problem, StringComparison.Ordinal);
        Assert.Equal(ContentKind.Signature, listed[2].Content!.Kind);
    }

    /// <summary>The manifests of thousands of images do not fit into memory, and what they share is still sent once.</summary>
    [Fact]
    public async Task Run_InGroups_CopiesEverythingAndMountsWhatAnEarlierGroupBrought()
    {
        var shared = Fixtures.Bytes(5000);
        var items = Enumerable.Range(0, 5).Select(number => Item($"r{number}", _source.AddImage($"{number}", "amd64", shared))).ToArray();
        using var client = _registry.Client();

        var report = await ContentCopy.RunAsync(client, items, new CopyOptions { GroupSize = 2 }, Cancelled);

        Assert.Equal((5, 4, 6), (report.Copied.Count, report.BlobsMounted, report.BlobsSent));
        Assert.Single(_source.Opened, opened => opened.Digest == Digest.Compute(shared));
    }

    [Fact]
    public async Task Run_TwoImagesForOnePlaceInTwoGroups_AreRefusedBeforeAnyCall()
    {
        using var client = _registry.Client();
        await Assert.ThrowsAsync<ContentException>(() => ContentCopy.RunAsync(client,
            [Item("x", _source.AddImage("1")), Item("x", _source.AddImage("2"))], new CopyOptions { GroupSize = 1 }, Cancelled));
        Assert.Empty(_registry.Calls);
    }

    /// <summary>A source may describe any number of manifests of 4 MiB each.</summary>
    [Fact]
    public async Task Run_ManifestsBeyondTheAllowance_FailWithoutBeingRead()
    {
        var big = Enumerable.Range(0, 5).Select(number => _source.Add(ManifestWriter.Index([], annotations: new Dictionary<string, string>
        {
            ["x"] = new string((char)('a' + number), 1 << 20),
        }))).ToArray();
        using var client = _registry.Client();

        var report = await ContentCopy.RunAsync(client, [Item("bomb", _source.AddIndex(big)), Item("fine", _source.AddImage("fine"))],
            new CopyOptions { GroupSize = 1, LargestManifests = 3 << 20 }, Cancelled);

        Assert.Equal(["fine:1"], report.Copied);
        Assert.Contains("more than 3 MiB", Assert.Single(report.Failures).Reason, StringComparison.Ordinal);
    }

    /// <summary>Two at once may each take a part of the room and leave the other none; alone, each fits or fails.</summary>
    [Fact]
    public async Task Run_TwoBeyondTheAllowance_FailInTheEnd()
    {
        var items = Enumerable.Range(0, 2).Select(number => Item($"r{number}", _source.Add(ManifestWriter.Index([],
            annotations: new Dictionary<string, string> { ["x"] = new string((char)('a' + number), 2 << 20) })))).ToArray();
        using var client = _registry.Client();

        var report = await ContentCopy.RunAsync(client, items, new CopyOptions { LargestManifests = 1 << 20 }, Cancelled);

        Assert.Equal(2, report.Failures.Count);
    }

    /// <summary>Images with large manifests are copied a few at a time instead of never.</summary>
    [Fact]
    public async Task Run_ManifestsOfAGroupBeyondTheAllowance_AreCopiedInSmallerGroups()
    {
        var items = Enumerable.Range(0, 7).Select(number => Item($"r{number}", _source.Add(ManifestWriter.Index([_source.AddImage($"{number}")],
            annotations: new Dictionary<string, string> { ["x"] = new string((char)('a' + number), 1 << 20) })))).ToArray();
        using var client = _registry.Client();

        var report = await ContentCopy.RunAsync(client, items, new CopyOptions { GroupSize = 7, LargestManifests = 3 << 20 }, Cancelled);

        Assert.Empty(report.Failures);
        Assert.Equal(items.Select(item => item.Label).Order(), report.Copied.Order());
    }

    /// <summary>Lists of referrers outlive what they list; two subjects may list the same.</summary>
    [Fact]
    public async Task Run_ReferrerThatIsGoneIsListedTwice_IsLeftOut()
    {
        var (one, two) = (_source.AddImage("a"), _source.AddImage("a", "arm64"));
        var gone = _source.AddCosign(one);
        _source.Files.Remove(gone.Digest);
        _source.Attached[two.Digest] = [new(gone with { Platform = null }, $"sha256-{two.Digest.Hex}.sig")];
        var index = _source.AddIndex(one, two);

        var report = await RunAsync(Item("x", index));

        Assert.Empty(report.Failures);
        Assert.DoesNotContain(_registry.Manifests.Keys, key => key.EndsWith(".sig", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_PartThatIsMissingIsListedAsAReferrerToo_IsMissedAllTheSame()
    {
        var (here, away) = (_source.AddImage("a"), _source.AddImage("a", "arm64"));
        var index = _source.AddIndex(here, away);
        _source.Files.Remove(away.Digest);
        _source.Attached[here.Digest] = [new(away with { Platform = null }, Tag: null)];

        Assert.Contains(away.Digest.ToString(), Assert.Single((await RunAsync(Item("x", index))).Failures).Reason, StringComparison.Ordinal);
    }

    private CopyItem Item(string repository, Descriptor root) => new($"{repository}:1", _source, root, repository, "1");

    private async Task<CopyReport> RunAsync(params CopyItem[] items)
    {
        using var client = _registry.Client();
        return await ContentCopy.RunAsync(client, items, new CopyOptions(), Cancelled);
    }

    private sealed class Last : IProgress<CapiRegistryHook.Content.Sources.TransferProgress>
    {
        public CapiRegistryHook.Content.Sources.TransferProgress Value { get; private set; }

        public void Report(CapiRegistryHook.Content.Sources.TransferProgress value) => Value = value;
    }
}
