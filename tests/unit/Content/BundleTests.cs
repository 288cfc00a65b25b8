using System.Formats.Tar;
using CapiRegistryHook.Content.Archives;
using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.Unit.Tests.Content;

public sealed class BundleTests : IAsyncDisposable
{
    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-bundle-");
    private readonly MemorySource _source = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string Path => _folder["site.tar"];

    public ValueTask DisposeAsync() => _folder.DisposeAsync();

    [Fact]
    public async Task Create_AnyOrderAndWorkers_GivesTheSameBytes()
    {
        var items = Enumerable.Range(0, 12)
            .Select(number => Item($"r.test/a{number}:1",
            _source.AddImage($"{number}", "amd64", Fixtures.Bytes(number * 700, (byte)number)))).ToList();
        await CreateAsync(items, new BundleOptions { Workers = 1 });
        var one = await File.ReadAllBytesAsync(Path, Cancelled);
        items.Reverse();
        await CreateAsync(items, new BundleOptions { Workers = 8 });
        Assert.Equal(one, await File.ReadAllBytesAsync(Path, Cancelled));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task Create_Tar_IsReadByTheBaseClassLibrary()
    {
        await CreateAsync([Item("r.test/a:1", _source.AddImage("a"))]);
        await using var file = File.OpenRead(Path);
        await using var tar = new TarReader(file);
        var names = new List<string>();
        while (await tar.GetNextEntryAsync(copyData: false, Cancelled) is { } entry)
        {
            names.Add(entry.Name);
            if (entry.Name.StartsWith("blobs/", StringComparison.Ordinal))
                Assert.EndsWith(Convert.ToHexStringLower(await System.Security.Cryptography.SHA256.HashDataAsync(entry.DataStream!,
                    Cancelled)), entry.Name, StringComparison.Ordinal);
        }

        Assert.Equal(["oci-layout", "index.json"], names.Take(2));
        Assert.Equal(8, names.Count);
    }

    [Fact]
    public async Task Verify_CompleteBundle_HasNoProblems()
    {
        var index = _source.AddIndex(_source.AddImage("a"), _source.AddImage("a", "arm64"));
        _source.AddReferrer(index, "application/spdx+json");
        _source.AddCosign(index);
        await CreateAsync([Item("r.test/a:1", index) with { Why = ["asked for"] }]);
        using var bundle = await ContentArchive.OpenAsync(Path, Cancelled);
        var report = await ContentVerification.RunAsync(bundle, 2, Cancelled);
        Assert.Empty(report.Problems);
        var entry = Assert.Single(await ContentVerification.InspectAsync(bundle, Cancelled));
        Assert.Equal(("r.test/a:1", ContentKind.Image), (entry.Name, entry.Kind));
        Assert.Equal(["linux/amd64", "linux/arm64"], entry.Platforms);
        Assert.Equal(["asked for"], entry.Why);
        Assert.Equal(2, (await bundle.AttachedToAsync(index.Digest, Cancelled)).Count);
    }

    [Fact]
    public async Task Verify_OneFlippedBit_IsFoundByName()
    {
        await CreateAsync([Item("r.test/a:1", _source.AddImage("a", "amd64", Fixtures.Bytes(4096)))]);
        var bytes = await File.ReadAllBytesAsync(Path, Cancelled);
        bytes[bytes.AsSpan().IndexOf(Fixtures.Bytes(4096)) + 1000] ^= 1;
        await File.WriteAllBytesAsync(Path, bytes, Cancelled);
        using var bundle = await ContentArchive.OpenAsync(Path, Cancelled);
        Assert.Contains("r.test/a:1: The blob", Assert.Single((await ContentVerification.RunAsync(bundle, 2, Cancelled)).Problems),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_OnAnOlderBundle_LeavesItsBlobsOut()
    {
        var (common, fresh) = (Fixtures.Bytes(9000), Fixtures.Bytes(900));
        var older = await CreateAsync([Item("r.test/a:1", _source.AddImage("a", "amd64", common))]);
        var newer = await CreateAsync([Item("r.test/a:2", _source.AddImage("b", "amd64", common, fresh))],
            new BundleOptions { OlderBundle = older.Lock });
        Assert.Equal([Digest.Compute(common)], newer.Lock.LeftOut.Keys);
        using var bundle = await ContentArchive.OpenAsync(Path, Cancelled);
        var report = await ContentVerification.RunAsync(bundle, 2, Cancelled);
        Assert.Empty(report.Problems);
        Assert.Equal([Digest.Compute(common)], report.LeftOut);
    }

    [Fact]
    public async Task Create_Platforms_RewritesAnIndexThatNobodyPins()
    {
        var amd64 = _source.AddImage("a");
        var index = _source.AddIndex(amd64, _source.AddImage("a", "arm64"));
        _source.AddCosign(index);
        var report = await CreateAsync([Item("r.test/a:1", index)], new BundleOptions { Platforms = [Platform.Parse("linux/amd64")] });
        var entry = Assert.Single(report.Lock.Content);
        Assert.Equal(["linux/amd64"], entry.Platforms);
        Assert.Equal(index.Digest, entry.Upstream);
        Assert.Equal(2, report.Notices.Count);
        using var bundle = await ContentArchive.OpenAsync(Path, Cancelled);
        Assert.Empty((await ContentVerification.RunAsync(bundle, 2, Cancelled)).Problems);
    }

    [Fact]
    public async Task Create_PlatformsAndAPinnedDigest_KeepsAllOfIt()
    {
        var index = _source.AddIndex(_source.AddImage("a"), _source.AddImage("a", "arm64"));
        var report = await CreateAsync([Item($"r.test/a@{index.Digest}", index), Item("r.test/a:1", index)],
            new BundleOptions { Platforms = [Platform.Parse("linux/amd64")] });
        Assert.All(report.Lock.Content, entry => Assert.Equal(index.Digest, entry.Digest));
        Assert.All(report.Notices, notice => Assert.Contains("is pinned", notice, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Create_PlatformsKeepingIndexes_LeavesTheOthersOut()
    {
        var arm64 = _source.AddImage("a", "arm64");
        var index = _source.AddIndex(_source.AddImage("a"), arm64);
        var report = await CreateAsync([Item("r.test/a:1", index)],
            new BundleOptions { Platforms = [Platform.Parse("linux/amd64")], KeepsIndexes = true });
        Assert.Equal(index.Digest, Assert.Single(report.Lock.Content).Digest);
        using var bundle = await ContentArchive.OpenAsync(Path, Cancelled);
        Assert.Contains(arm64.Digest.ToString(), Assert.Single((await ContentVerification.RunAsync(bundle, 2, Cancelled)).Problems),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_PlatformThatIsNotThere_IsRefused()
    {
        var index = _source.AddIndex(_source.AddImage("a"));
        var exception = await Assert.ThrowsAsync<ContentException>(() => CreateAsync([Item("r.test/a:1", index)],
            new BundleOptions { Platforms = [Platform.Parse("linux/s390x")] }));
        Assert.Contains("it has linux/amd64", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_CorruptSource_LeavesNoFile()
    {
        var layer = Fixtures.Bytes(100);
        var image = _source.AddImage("a", "amd64", layer);
        _source.Files[Digest.Compute(layer)] = Fixtures.Bytes(100, seed: 7);
        await Assert.ThrowsAsync<ContentException>(() => CreateAsync([Item("r.test/a:1", image)]));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task Create_AfterABreak_FetchesTheRestAlone()
    {
        byte[][] layers = [.. Enumerable.Range(1, 3).Select(number => Fixtures.Bytes(700_001, (byte)number))];
        var items = new[] { Item("r.test/a:1", _source.AddImage("a", "amd64", layers)) };
        // Blobs are read in order of their digests.
        var digests = layers.Select(layer => Digest.Compute(layer)).OrderBy(digest => digest.ToString(), StringComparer.Ordinal).ToList();
        _source.Files.Remove(digests[2], out var missing);
        await Assert.ThrowsAsync<ContentException>(() => CreateAsync(items, new BundleOptions { Workers = 1 }));
        Assert.False(File.Exists(Path));
        var partial = Assert.Single(Directory.GetFiles(_folder.Path));

        _source.Files[digests[2]] = missing!;
        _source.Opened.Clear();
        await CreateAsync(items, new BundleOptions { Workers = 1 });
        Assert.DoesNotContain(_source.Opened, opened => digests.Take(2).Contains(opened.Digest));
        Assert.Equal(await BytesOfAsync(items), await File.ReadAllBytesAsync(Path, Cancelled));
        Assert.False(File.Exists(partial));
    }

    /// <summary>Such as without a network: what earlier runs fetched must not go because this one got nothing.</summary>
    [Fact]
    public async Task Create_AfterABreakAndFailsAtOnce_KeepsWhatWasFetched()
    {
        var image = _source.AddImage("a", "amd64", Fixtures.Bytes(100));
        foreach (var blob in _source.Files.Keys.Where(digest => digest != image.Digest).ToList())
            _source.Files.Remove(blob);
        var fetched = Fixtures.Bytes(3 << 20);
        await File.WriteAllBytesAsync(Path + BundleWriter.PartialSuffix, fetched, Cancelled);

        await Assert.ThrowsAsync<ContentException>(() => CreateAsync([Item("r.test/a:1", image)]));

        Assert.True(File.Exists(Path + BundleWriter.PartialSuffix));
    }

    [Fact]
    public async Task Create_OnWhatAnotherListLeft_GivesTheSameBytes()
    {
        var layer = Fixtures.Bytes(2 << 20);
        var items = new[] { Item("r.test/a:1", _source.AddImage("a", "amd64", layer)) };
        var expected = await BytesOfAsync(items);
        // Anything may be there: garbage in every gap, and a longer file.
        await File.WriteAllBytesAsync(Path + BundleWriter.PartialSuffix, Fixtures.Bytes(expected.Length + 4096, 9), Cancelled);
        await CreateAsync(items);
        Assert.Equal(expected, await File.ReadAllBytesAsync(Path, Cancelled));
    }

    [Fact]
    public async Task Create_OnALink_IsRefused()
    {
        var victim = _folder.Write("victim", "stays");
        File.CreateSymbolicLink(Path + BundleWriter.PartialSuffix, victim);
        var exception = await Assert.ThrowsAsync<ContentException>(() => CreateAsync([Item("r.test/a:1", _source.AddImage("a"))]));
        Assert.Contains("symbolic link", exception.Message, StringComparison.Ordinal);
        Assert.Equal("stays", await File.ReadAllTextAsync(victim, Cancelled));
    }

    [Fact]
    public async Task Create_WhileAnotherWritesIt_IsRefused()
    {
        using var other = File.OpenHandle(
            Path + BundleWriter.PartialSuffix, FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        await Assert.ThrowsAsync<ContentException>(() => CreateAsync([Item("r.test/a:1", _source.AddImage("a"))]));
        Assert.True(File.Exists(Path + BundleWriter.PartialSuffix));
    }

    [Fact]
    public async Task Create_OneNameForTwoThings_IsRefused()
    {
        var items = new[] { Item("r.test/a:1", _source.AddImage("a")), Item("r.test/a:1", _source.AddImage("b")) };
        Assert.Contains("wanted twice", (await Assert.ThrowsAsync<ContentException>(() => CreateAsync(items))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_DigestInTheNameThatIsNotTheContents_IsRefused()
    {
        var (a, b) = (_source.AddImage("a"), _source.AddImage("b"));
        await Assert.ThrowsAsync<ContentException>(() => CreateAsync([Item($"r.test/a@{a.Digest}", b)]));
    }

    [Fact]
    public void Header_OfALargeFile_HasItsSizeInAnExtendedHeader()
    {
        const long Size = 20L << 30;
        var header = TarHeader.For("blobs/sha256/" + new string('a', 64), Size);
        var index = TarIndex.Read((buffer, offset) => Read(header, buffer, offset), header.Length + Size, "test");
        Assert.Equal(new TarFileEntry(header.Length, Size), index.Find("blobs/sha256/" + new string('a', 64)));
        using var tar = new TarReader(new MemoryStream(header));
        Assert.Equal(3, header.Length / 512);
    }

    [Fact]
    public void Lock_WrittenAndRead_IsTheSame()
    {
        var digest = Digest.Compute("x"u8);
        var entry = new ContentSummary("a", digest, ContentKind.Chart, ["linux/amd64"], 5) { Why = ["\u202e\"<b>"], Upstream = digest };
        var json = new BundleLock([entry], new Dictionary<Digest, long> { [digest] = 1 }, new Dictionary<Digest, long>()).ToJson();
        Assert.Equal(json, BundleLock.Parse(json).ToJson());
    }

    private static int Read(byte[] content, Span<byte> buffer, long offset)
    {
        if (offset >= content.Length)
        {
            buffer.Clear();
            return buffer.Length;
        }

        var length = (int)Math.Min(buffer.Length, content.Length - offset);
        content.AsSpan((int)offset, length).CopyTo(buffer);
        return length;
    }

    private BundleItem Item(string name, Descriptor root) => new(Reference.Parse(name), _source, root with { Platform = null });

    /// <summary>A bundle that is made in one go.</summary>
    private static async Task<byte[]> BytesOfAsync(IReadOnlyList<BundleItem> items)
    {
        await using var folder = ScratchFolder.Create("bundle-");
        await BundleWriter.CreateAsync(folder["site.tar"], items, new BundleOptions(), Cancelled);
        return await File.ReadAllBytesAsync(folder["site.tar"], Cancelled);
    }

    private Task<BundleReport> CreateAsync(IReadOnlyList<BundleItem> items, BundleOptions? options = null) =>
        BundleWriter.CreateAsync(Path, items, (options ?? new BundleOptions()) with { Retry = Fixtures.Impatient }, Cancelled);
}
