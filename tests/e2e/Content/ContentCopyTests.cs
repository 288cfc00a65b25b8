using System.Formats.Tar;
using System.Text;
using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests.Content;

/// <summary>Bundles, layouts and archives into a real registry and out of it, with skopeo as the other side.</summary>
public sealed class ContentCopyTests(ITestOutputHelper output)
{
    private static readonly BundleOptions Options = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Push_UnchangedBundle_SendsNoBlobAgain()
    {
        await using var registry = await RealRegistry.StartAsync(Cancelled);
        var images = new LayoutImages(registry.Folder["layout"], seed: 1);
        var common = images.Random(3 << 20);
        for (var number = 0; number < 100; number++)
            images.Add($"docker.io/test/image-{number}:1", common, images.Random(20_000));
        var bundle = await BundleAsync(images.Folder, registry.Folder["site.tar"]);

        var first = await PushAsync(bundle, registry);
        var started = TimeProvider.System.GetTimestamp();
        var second = await PushAsync(bundle, registry);
        output.WriteLine($"second push of 100 images: {TimeProvider.System.GetElapsedTime(started).TotalSeconds:F1} s");

        Assert.Empty(first.Failures);
        Assert.Equal((201, 99), (first.BlobsSent, first.BlobsMounted));
        Assert.Equal(100, second.Copied.Count);
        Assert.Equal((0L, 0, 0, 300, 0),
            (second.BytesSent, second.BlobsSent, second.BlobsMounted, second.BlobsSkipped, second.ManifestsSent));
        Assert.Equal(100, await registry.Client.RepositoriesAsync(Cancelled).CountAsync(Cancelled));
        Assert.Equal(["1"], await registry.Client.TagsAsync("test/image-7", Cancelled).ToListAsync(Cancelled));
    }

    [Fact]
    public async Task Skopeo_ReadsBundles_AndWritesWhatIsRead()
    {
        await using var registry = await RealRegistry.StartAsync(Cancelled);
        var images = new LayoutImages(registry.Folder["layout"], seed: 2);
        var digest = images.Add("docker.io/test/one:1.0", Layer("one"));
        images.Add("docker.io/test/two:1.0", Layer("two"));
        var bundle = await BundleAsync(images.Folder, registry.Folder["site.tar"]);

        await registry.SkopeoAsync(["copy", "--preserve-digests", .. registry.Trust("--dest-cert-dir"),
            $"oci-archive:{bundle}:docker.io/test/one:1.0", $"docker://{registry.Name}/by-skopeo:1.0"], Cancelled);
        Assert.Equal(digest, (await registry.Client.ResolveAsync("by-skopeo", "1.0", Cancelled))!.Digest.ToString());

        await registry.SkopeoAsync(["copy", "--preserve-digests", .. registry.Trust("--src-cert-dir"),
            $"docker://{registry.Name}/by-skopeo:1.0", $"oci-archive:{registry.Folder["back.tar"]}:docker.io/test/one:1.0"], Cancelled);
        using var back = await ContentArchive.OpenAsync(registry.Folder["back.tar"], Cancelled);
        Assert.Equal(digest, Assert.Single(back.Names).Descriptor.Digest.ToString());
        Assert.Empty((await ContentVerification.RunAsync(back, workers: 2, Cancelled)).Problems);
        var report = await PushAsync(registry.Folder["back.tar"], registry);
        Assert.Equal(["docker.io/test/one:1.0"], report.Copied);
        Assert.Contains(digest,
            await registry.SkopeoAsync(["inspect", .. registry.Trust("--cert-dir"), $"docker://{registry.Name}/test/one:1.0"], Cancelled),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task DockerArchive_OfSkopeo_IsPushedAndPulled()
    {
        await using var registry = await RealRegistry.StartAsync(Cancelled);
        var images = new LayoutImages(registry.Folder["layout"], seed: 3);
        images.Add("docker.io/test/one:1.0", Layer("one"), Layer("more"));
        await registry.SkopeoAsync(["copy", $"oci:{images.Folder}:docker.io/test/one:1.0",
            $"docker-archive:{registry.Folder["saved.tar"]}:docker.io/test/one:1.0"], Cancelled);

        var report = await PushAsync(registry.Folder["saved.tar"], registry);
        Assert.Equal(["docker.io/test/one:1.0"], report.Copied);
        await registry.SkopeoAsync(["copy", .. registry.Trust("--src-cert-dir"), $"docker://{registry.Name}/test/one:1.0",
            $"dir:{registry.Folder["pulled"]}"], Cancelled);
    }

    [Fact]
    public async Task DockerSchema2_ThroughABundle_KeepsItsDigest()
    {
        await using var registry = await RealRegistry.StartAsync(Cancelled);
        var images = new LayoutImages(registry.Folder["layout"], seed: 4);
        images.Add("docker.io/test/one:1.0", Layer("one"));
        await registry.SkopeoAsync(["copy", "--format", "v2s2", .. registry.Trust("--dest-cert-dir"),
            $"oci:{images.Folder}:docker.io/test/one:1.0", $"docker://{registry.Name}/docker/one:1.0"], Cancelled);
        var original = (await registry.Client.ResolveAsync("docker/one", "1.0", Cancelled))!;
        Assert.Equal("application/vnd.docker.distribution.manifest.v2+json", original.MediaType);

        var item = new BundleItem(Reference.Parse("docker.io/test/one:1.0"), new RegistrySource(registry.Client, "docker/one"), original);
        await BundleWriter.CreateAsync(registry.Folder["site.tar"], [item], Options, Cancelled);
        await using var other = await RealRegistry.StartAsync(Cancelled);
        Assert.Empty((await PushAsync(registry.Folder["site.tar"], other)).Failures);

        Assert.Equal(original, await other.Client.ResolveAsync("test/one", "1.0", Cancelled));
        await other.SkopeoAsync(["copy", .. other.Trust("--src-cert-dir"), $"docker://{other.Name}/test/one@{original.Digest}",
            $"dir:{other.Folder["pulled"]}"], Cancelled);
    }

    [Fact]
    public async Task Push_CutAndKilledAgainAndAgain_EndsCompleteAndNoTagIsEverBroken()
    {
        await using var registry = await RealRegistry.StartAsync(Cancelled);
        var images = new LayoutImages(registry.Folder["layout"], seed: 5);
        for (var number = 0; number < 6; number++)
            images.Add($"docker.io/test/image-{number}:1", images.Random(6 << 20), images.Random(10_000));
        var bundle = await BundleAsync(images.Folder, registry.Folder["site.tar"]);
        var random = new Random(5);

        for (var round = 0; round < 8; round++)
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
            var trouble = new Trouble(registry, random.Next(1 << 20, 14 << 20), round % 3, end);
            try
            {
                await PushAsync(bundle, registry, trouble, end.Token);
            }
            catch (OperationCanceledException) when (!Cancelled.IsCancellationRequested)
            {
                // The client was killed, as far as the registry can tell.
            }

            if (trouble.Killing is { } killing)
                await killing;
            Assert.Equal(0, await BrokenTagsAsync(registry));
        }

        Assert.Empty((await PushAsync(bundle, registry)).Failures);
        Assert.Equal(0, (await PushAsync(bundle, registry)).BytesSent);
        Assert.Equal(6, await registry.Client.RepositoriesAsync(Cancelled).CountAsync(Cancelled));
        Assert.Equal(0, await BrokenTagsAsync(registry));
    }

    [Fact]
    public async Task Remove_ByDigest_IsGone()
    {
        await using var registry = await RealRegistry.StartAsync(Cancelled);
        var images = new LayoutImages(registry.Folder["layout"], seed: 6);
        var digest = images.Add("docker.io/test/one:1.0", Layer("one"));
        await PushAsync(images.Folder, registry);
        Assert.True(await registry.Client.DeleteManifestAsync("test/one", digest, Cancelled));
        Assert.False(await registry.Client.DeleteManifestAsync("test/one", digest, Cancelled));
        Assert.Null(await registry.Client.ResolveAsync("test/one", "1.0", Cancelled));
    }

    [Fact]
    public async Task RemoveTag_OfAManifestThatAnotherTagNeeds_LeavesTheOther()
    {
        await using var registry = await RealRegistry.StartAsync(Cancelled);
        var images = new LayoutImages(registry.Folder["layout"], seed: 8);
        images.Add("docker.io/test/one:1.0", Layer("one"));
        await PushAsync(images.Folder, registry);
        var manifest = (await registry.Client.GetManifestAsync("test/one", "1.0", Cancelled))!;
        await registry.Client.PutManifestAsync("test/one", "2.0", manifest, Cancelled);

        // Distribution 2.8 removes manifests only.
        var exception = await Assert.ThrowsAsync<RegistryException>(() => registry.Client.RemoveTagAsync("test/one", "1.0", Cancelled));
        Assert.Contains("test/one:2.0 is the same manifest", exception.Message, StringComparison.Ordinal);
        Assert.NotNull(await registry.Client.ResolveAsync("test/one", "2.0", Cancelled));
        Assert.False(await registry.Client.RemoveTagAsync("test/one", "3.0", Cancelled));
    }

    [Fact]
    public async Task Push_ReferrersAndCosignTags_AreFoundAgainWithoutTheReferrersApi()
    {
        await using var registry = await RealRegistry.StartAsync(Cancelled);
        var images = new LayoutImages(registry.Folder["layout"], seed: 7);
        var digest = images.Add("docker.io/test/one:1.0", Layer("one"));
        var signature = images.Add($"docker.io/test/one:sha256-{digest["sha256:".Length..]}.sig", Encoding.UTF8.GetBytes("signature"));
        Assert.Empty((await PushAsync(images.Folder, registry)).Failures);

        var source = new RegistrySource(registry.Client, "test/one");
        var attached = Assert.Single(await source.AttachedToAsync(Digest.Parse(digest), Cancelled));
        Assert.Equal(signature, attached.Descriptor.Digest.ToString());

        var item = new BundleItem(Reference.Parse("docker.io/test/one:1.0"), source,
            (await registry.Client.ResolveAsync("test/one", "1.0", Cancelled))!);
        await BundleWriter.CreateAsync(registry.Folder["site.tar"], [item], Options, Cancelled);
        await using var other = await RealRegistry.StartAsync(Cancelled);
        Assert.Empty((await PushAsync(registry.Folder["site.tar"], other)).Failures);
        Assert.Equal(signature, (await other.Client.ResolveAsync("test/one", attached.Tag!, Cancelled))!.Digest.ToString());
    }

    private static async Task<string> BundleAsync(string layout, string path)
    {
        using var source = await ContentArchive.OpenAsync(layout, Cancelled);
        await BundleWriter.CreateAsync(path, [.. source.Names.Select(name => new BundleItem(name.Name!, source, name.Descriptor))],
            Options, Cancelled);
        return path;
    }

    private static Task<CopyReport> PushAsync(string path, RealRegistry registry) => PushAsync(path, registry, progress: null, Cancelled);

    private static async Task<CopyReport> PushAsync(
        string path, RealRegistry registry, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        using var source = await ContentArchive.OpenAsync(path, Cancelled);
        var items = source.Names
            .Select(name => new CopyItem(name.Name!.ToString(), source, name.Descriptor, name.Name.Repository, name.Name.Tag)).ToList();
        return await ContentCopy.RunAsync(registry.Client, items, new CopyOptions { Progress = progress }, cancellationToken);
    }

    private static async Task<int> BrokenTagsAsync(RealRegistry registry)
    {
        var broken = 0;
        await foreach (var repository in registry.Client.RepositoriesAsync(Cancelled))
        {
            await foreach (var tag in registry.Client.TagsAsync(repository, Cancelled))
            {
                var manifest = await registry.Client.GetManifestAsync(repository, tag, Cancelled);
                foreach (var blob in manifest!.Blobs)
                    broken += await registry.Client.HasBlobAsync(repository, blob.Digest, Cancelled) ? 0 : 1;
            }
        }

        return broken;
    }

    private static byte[] Layer(string text)
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, text) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)),
                ModificationTime = DateTimeOffset.UnixEpoch });
        return stream.ToArray();
    }

    /// <summary>Waits for a number of bytes and then resets all connections, kills the registry, or ends the client.</summary>
    private sealed class Trouble(RealRegistry registry, long after, int kind, CancellationTokenSource client) : IProgress<TransferProgress>
    {
        private int _done;

        public Task? Killing { get; private set; }

        public void Report(TransferProgress value)
        {
            if (value.BytesSent < after || Interlocked.Exchange(ref _done, 1) == 1)
                return;
            if (kind == 0)
                registry.Cut();
            else if (kind == 1)
                Killing = Task.Run(() => registry.RestartAsync(CancellationToken.None));
            else
                client.CancelAfter(TimeSpan.Zero);
        }
    }
}
