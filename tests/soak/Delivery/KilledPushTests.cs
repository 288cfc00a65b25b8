using System.Text.Json.Nodes;
using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.EndToEnd.Tests.Delivery;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Soak.Tests.Delivery;

/// <summary>
/// The published program pushes while, at random moments, it is killed, the primary is killed, or every connection through the API server
/// is cut. A rerun sends what is missing and no more, and no tag ever stands for something that is not there.
/// </summary>
public sealed class KilledPushTests(ITestOutputHelper output)
{
    private const int Rounds = 50;
    private const int Images = 3;
    private const int LayerSize = 3 << 20;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Push_KilledFiftyTimes_EndsCompleteAndResendsBlobsInFlightAtMost()
    {
        var seed = TestSeed.From("PUSH_SEED");
        output.WriteLine($"PUSH_SEED={seed}");
        var random = new Random(seed);
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        var interrupted = 0;
        var whole = await MeasureAsync(site, random.Next());
        for (var round = 0; round < Rounds; round++)
        {
            var images = new LayoutImages(site.Folder[$"layout-{round}"], random.Next());
            for (var number = 0; number < Images; number++)
                images.Add($"docker.io/test/round-{round}-{number}:1", images.Random(LayerSize));
            interrupted += await InterruptAsync(site, cluster, images.Folder, round % 3, whole * (0.1 + (0.8 * random.NextDouble())))
                ? 1 : 0;
            await CheckTagsAsync(cluster.Replicas[0], round);
            await RerunAsync(site, cluster.Replicas[0], images.Folder);
            Directory.Delete(images.Folder, recursive: true);
        }

        output.WriteLine($"{interrupted} of {Rounds} pushes were interrupted; a whole one takes {whole.TotalMilliseconds:F0} ms.");
        Assert.True(interrupted > Rounds / 5, "The interruptions came too late to show anything.");
    }

    /// <summary>How long a push takes that nobody interrupts, on this machine.</summary>
    private static async Task<TimeSpan> MeasureAsync(EmbeddedSite site, int seed)
    {
        var images = new LayoutImages(site.Folder["layout-whole"], seed);
        for (var number = 0; number < Images; number++)
            images.Add($"docker.io/test/whole-{number}:1", images.Random(LayerSize));
        var started = TimeProvider.System.GetTimestamp();
        await using var push = await ChildProcess.StartServerAsync(
            HookService.ProgramPath(), ["push", images.Folder, "--cluster", "default/one", .. site.Access], site.Folder["push.log"]);
        await push.WaitForExitAsync(Cancelled);
        Assert.Equal(0, push.ExitCode);
        return TimeProvider.System.GetElapsedTime(started);
    }

    /// <summary>Whether the push was under way when it was interrupted.</summary>
    private static async Task<bool> InterruptAsync(EmbeddedSite site, SiteCluster cluster, string layout, int kind, TimeSpan delay)
    {
        await using var push = await ChildProcess.StartServerAsync(
            HookService.ProgramPath(), ["push", layout, "--cluster", "default/one", .. site.Access], site.Folder["push.log"]);
        await Task.WhenAny(push.WaitForExitAsync(Cancelled), Task.Delay(delay, TimeProvider.System, Cancelled));
        var isUnderWay = !push.HasExited;
        if (kind == 0)
            return isUnderWay;
        if (kind == 1)
            await cluster.Replicas[0].RestartAsync(Cancelled);
        else
            cluster.Api.CutForwards();
        await push.WaitForExitAsync(Cancelled);
        return isUnderWay;
    }

    private static async Task CheckTagsAsync(RealRegistry registry, int round)
    {
        for (var number = 0; number < Images; number++)
        {
            if (await registry.Client.GetManifestAsync($"test/round-{round}-{number}", "1", Cancelled) is not { } manifest)
                continue;
            foreach (var blob in manifest.Blobs)
                Assert.True(await registry.Client.HasBlobAsync($"test/round-{round}-{number}", blob.Digest, Cancelled));
        }
    }

    private static async Task RerunAsync(EmbeddedSite site, RealRegistry registry, string layout)
    {
        using var source = await ContentArchive.OpenAsync(layout, Cancelled);
        var expected = source.Names.Select(name => new ExpectedContent(
            name.Name!.ToString(), name.Name.Repository, name.Name.Tag, name.Descriptor.Digest)).ToList();
        var missing = 0L;
        foreach (var name in source.Names)
        {
            var bytes = await source.ReadManifestAsync(name.Descriptor, Cancelled);
            foreach (var blob in Manifest.Parse(bytes!.Value, name.Descriptor).Blobs)
                missing += await registry.Client.HasBlobAsync(name.Name!.Repository, blob.Digest, Cancelled) ? 0 : blob.Size;
        }

        var run = await site.RunAsync(Cancelled, ["push", layout, "--cluster", "default/one", "-o", "json", .. site.Access]);

        Assert.True(run.ExitCode == 0, run.Errors);
        // Less when the registry had yet to keep what it had received in full.
        Assert.InRange((long)JsonNode.Parse(run.Output)!["registries"]![0]!["bytesSent"]!, 0, missing);
        Assert.Empty(await RegistryVerification.RunAsync(registry.Client, expected, 4, Cancelled));
    }
}
