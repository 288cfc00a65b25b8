using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Pushing;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.Benchmarks;

/// <summary>Pushes through a real API server and kubelet to a registry in a pod.</summary>
internal static class Tunnels
{
    private const int Layers = 8;
    private const int LayerSize = 32 << 20;
    private const int Rounds = 6;
    private const int Images = 100;
    private const int ImageLayerSize = 64 << 10;
    private const double Mebibytes = Layers * (LayerSize >> 20);

    public static async Task PrintAsync(CancellationToken cancellationToken)
    {
        await using var cluster = await ClusterChoice.StartAsync(Console.Error, cancellationToken);
        await using var pod = await RegistryPod.StartAsync(cluster, cancellationToken);
        await using var folder = ScratchFolder.Create("capi-registry-hook-tunnels-");
        using var registries = new UpstreamRegistries(
            DockerConfig.Read(folder["none"], TimeProvider.System), null, TimeProvider.System);
        await PrintRatioAsync(pod, folder, registries, cancellationToken);
        await PrintRepeatAsync(pod, folder, registries, cancellationToken);
    }

    /// <summary>
    /// The same push by both ways, one after the other, and the other way round in the next pair: a machine that gets slower or faster
    /// meanwhile changes the rates more than the ratios. Each goes to a repository of its own, so all bytes are sent every time.
    /// </summary>
    private static async Task PrintRatioAsync(
        RegistryPod pod, ScratchFolder folder, UpstreamRegistries registries, CancellationToken cancellationToken)
    {
        var layout = new LayoutImages(folder["large"], seed: 1);
        layout.Add("docker.io/test/large:1", [.. Enumerable.Range(0, Layers).Select(_ => layout.Random(LayerSize))]);
        using var content = await SourceSet.OpenAsync([layout.Folder], registries, cancellationToken);
        var (own, kubectl) = (new List<double>(), new List<double>());
        // The first pair fills caches and does not count.
        for (var round = 0; round <= Rounds; round++)
        {
            List<(List<double> Rates, Func<Task<double>> Push)> ways =
            [
                (own, () => OwnAsync(round)),
                (kubectl, () => pod.ThroughKubectlAsync(target => RateAsync(content, target, $"kubectl/{round}", cancellationToken),
                    cancellationToken)),
            ];
            if (round % 2 == 1)
                ways.Reverse();
            foreach (var (rates, push) in ways)
            {
                var rate = await push();
                if (round > 0)
                    rates.Add(rate);
            }
        }

        Figures.Print($"push of {Mebibytes} MiB through the API server, {Layers} blobs, 4 streams", "MiB/s", own);
        Figures.Print("the same through kubectl port-forward, 4 connections", "MiB/s", kubectl);
        Figures.Print("ratio of the two", "times", [.. own.Zip(kubectl, (ours, theirs) => ours / theirs)], ">= 0.8");

        async Task<double> OwnAsync(int round)
        {
            using var target = pod.Open();
            return await RateAsync(content, target, $"own/{round}", cancellationToken);
        }
    }

    private static async Task PrintRepeatAsync(
        RegistryPod pod, ScratchFolder folder, UpstreamRegistries registries, CancellationToken cancellationToken)
    {
        var layout = new LayoutImages(folder["images"], seed: 2);
        var shared = layout.Random(ImageLayerSize);
        for (var image = 0; image < Images; image++)
            layout.Add($"docker.io/test/image-{image}:1", shared, layout.Random(ImageLayerSize));
        using (var archive = await ContentArchive.OpenAsync(layout.Folder, cancellationToken))
            await BundleWriter.CreateAsync(folder["bundle.tar"],
                [.. archive.Names.Select(named => new BundleItem(named.Name!, archive, named.Descriptor))], new BundleOptions(),
                cancellationToken);
        foreach (var (what, target) in new[] { ("first", ""), ("second", "<= 10") })
        {
            var started = TimeProvider.System.GetTimestamp();
            using var content = await SourceSet.OpenAsync([folder["bundle.tar"]], registries, cancellationToken);
            using var registry = pod.Open();
            var sent = await PushAsync(content.Entries, registry, cancellationToken);
            var took = TimeProvider.System.GetElapsedTime(started);
            Figures.Print($"{what} push of a bundle of {Images} images through the API server", "s", [took.TotalSeconds], target);
            Figures.Print($"{what} push of a bundle of {Images} images, blobs sent", "bytes", [sent], target.Length > 0 ? "0" : "");
        }
    }

    private static async Task<double> RateAsync(
        SourceSet content, RegistryTarget target, string repository, CancellationToken cancellationToken)
    {
        await target.Client.PingAsync(cancellationToken);
        var started = TimeProvider.System.GetTimestamp();
        var sent = await PushAsync([.. content.Entries.Select(entry => entry with { Place = new RegistryPlace(repository, "1") })], target,
            cancellationToken);
        var took = TimeProvider.System.GetElapsedTime(started);
        return sent >= Layers * LayerSize ? sent / 1048576.0 / took.TotalSeconds
            : throw new InvalidOperationException($"Only {sent} bytes were sent to {repository}.");
    }

    /// <summary>The bytes that were sent, resent ones too.</summary>
    private static async Task<long> PushAsync(
        IReadOnlyList<SourceEntry> entries, RegistryTarget target, CancellationToken cancellationToken)
    {
        var address = new TargetAddress(target.Name, _ => Task.FromResult(target));
        var result = (await new FleetPush(entries, new PushOptions { Workers = 4 }).RunAsync([address], cancellationToken))[0];
        return result.IsComplete ? result.Report!.BytesSent
            : throw new InvalidOperationException($"The push failed: {string.Join(' ', result.Failures)}");
    }
}
