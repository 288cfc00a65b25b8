using System.Security.Cryptography;
using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Nodes;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>A small volume of a real registry, filled to the brim while clients push and pull.</summary>
public sealed class FullVolumeTests : IAsyncDisposable
{
    private const string Repository = "library/app";
    private const int LayerSize = 3 * 1024 * 1024;

    private readonly ScratchFolder _images = ScratchFolder.Create("capi-registry-hook-images-");
    private int _written;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _images.DisposeAsync();

    [Fact]
    public async Task FilledToTheBrim_RefusesPushesServesPullsAndRecovers()
    {
        await using var volume = await SmallVolume.StartAsync("96m", mark: 80, CancellationToken);
        var stored = new List<ExpectedContent> { await PushAsync(volume, "first") };
        using var end = new CancellationTokenSource();
        var pulls = PullAsync(volume, stored[0].Digest, end.Token);

        // Each push moves a tag too: 2.8 empties the link of a tag before it writes it anew.
        var refused = await FillAsync(volume, stored);
        Assert.Contains("its volume takes no pushes, because it is full or almost full: remove content", refused, StringComparison.Ordinal);
        await UntilSaidAsync(volume, "this replica takes no pushes");
        await volume.RunAsync("cat /dev/zero >\"$0/filler\" 2>/dev/null || true; test \"$(stat -f -c %a \"$0\")\" = 0", CancellationToken);
        Assert.Contains("takes no pushes", (await Assert.ThrowsAnyAsync<ContentException>(() => PushAsync(volume, "other"))).Message,
            StringComparison.Ordinal);
        Assert.Contains("takes no pushes", (await Assert.ThrowsAnyAsync<ContentException>(() => MoveTagAsync(volume, stored))).Message,
            StringComparison.Ordinal);
        Assert.Empty(await RegistryVerification.RunAsync(volume.Client, stored, 2, CancellationToken));

        // Clean-up needs no space: removed by the API, collected from the full disk.
        foreach (var old in stored.Skip(1).SkipLast(2))
            Assert.True(await volume.Client.DeleteManifestAsync(Repository, old.Digest.ToString(), CancellationToken));
        await volume.RunAsync("\"$2\" garbage-collect \"$1\" >/dev/null", CancellationToken);
        await UntilSaidAsync(volume, "this replica takes pushes again");
        List<ExpectedContent> kept = [stored[0], .. stored.TakeLast(2)];
        kept.Add(await PushAsync(volume, "afterwards"));

        Assert.Empty(await RegistryVerification.RunAsync(volume.Client, kept, 2, CancellationToken));
        await end.CancelAsync();
        Assert.True(await pulls > 3);
    }

    /// <summary>An upload that was cut off at the mark would keep the volume closed for a week.</summary>
    [Fact]
    public async Task CutOffUpload_OnAFullVolume_IsDiscarded()
    {
        await using var volume = await SmallVolume.StartAsync("32m", mark: 80, CancellationToken);
        var stored = await PushAsync(volume, "first");
        var uploads = $"\"$0/docker/registry/v2/repositories/{Repository}/_uploads/";
        await volume.RunAsync(
            $"mkdir -p {uploads}cut-off\"; head -c 24000000 /dev/zero >{uploads}cut-off/data\"; touch -d '20 minutes ago' "
                + $"{uploads}cut-off/data\"",
            CancellationToken);

        await UntilSaidAsync(volume, "Discarded an upload that was cut off");
        await UntilSaidAsync(volume, "this replica takes pushes again");

        var again = await PushAsync(volume, "second");
        Assert.Empty(await RegistryVerification.RunAsync(volume.Client, [stored, again], 2, CancellationToken));
    }

    /// <summary>Pushes until it is refused; what was pushed is noted. Returns the sentence.</summary>
    private async Task<string> FillAsync(SmallVolume volume, List<ExpectedContent> stored)
    {
        for (var push = 0; push < 60; push++)
        {
            try
            {
                stored.Add(await PushAsync(volume, $"v{push}", latest: true));
            }
            catch (ContentException exception)
            {
                return exception.Message;
            }
        }

        throw new InvalidOperationException("60 images of 3 MiB went into 96 MiB.");
    }

    private async Task<ExpectedContent> PushAsync(SmallVolume volume, string tag, bool latest = false)
    {
        // Hex digits: an image of tests has text in it. Each byte of them is one of the volume.
        var image = TinyImage.Write(_images[$"{++_written}"], RandomNumberGenerator.GetHexString(LayerSize));
        await CopyAsync(volume, image, tag);
        if (latest)
            await CopyAsync(volume, image, "latest");
        return new ExpectedContent($"{Repository}:{tag}", Repository, tag, Digest.Parse(image.Digest));
    }

    private static async Task CopyAsync(SmallVolume volume, TinyImage image, string tag)
    {
        var source = await ContentArchive.OpenAsync(image.Folder, CancellationToken);
        var root = source.Names.Single().Descriptor;
        var report = await ContentCopy.RunAsync(
            volume.Client, [new CopyItem(tag, source, root, Repository, tag)], new CopyOptions(), CancellationToken);
        if (report.Failures is [var failure, ..])
            throw new ContentException(failure.Reason);
    }

    private static async Task MoveTagAsync(SmallVolume volume, List<ExpectedContent> stored)
    {
        var manifest = await volume.Client.GetManifestAsync(Repository, stored[0].Digest.ToString(), CancellationToken);
        await volume.Client.PutManifestAsync(Repository, stored[^1].Tag!, manifest!, CancellationToken);
    }

    /// <summary>Pulls an image whole, again and again; the first failure ends the test.</summary>
    private static async Task<int> PullAsync(SmallVolume volume, Digest image, CancellationToken ending)
    {
        var pulled = 0;
        for (; !ending.IsCancellationRequested; pulled++)
        {
            var manifest = await volume.Client.GetManifestAsync(Repository, image.ToString(), CancellationToken);
            foreach (var blob in manifest!.Blobs)
            {
                await using var content = await volume.Client.OpenBlobAsync(Repository, blob.Digest, 0, CancellationToken);
                Assert.Equal(blob.Digest.ToString(),
                    $"sha256:{Convert.ToHexStringLower(await SHA256.HashDataAsync(content!, CancellationToken))}");
            }
        }

        return pulled;
    }

    private static Task UntilSaidAsync(SmallVolume volume, string text) => Polling.UntilAsync(
        text, () => Task.FromResult(volume.Log.Contains(text, StringComparison.Ordinal)), () => volume.Log, CancellationToken);
}
