using CapiRegistryHook.Content.Charts;
using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Workloads;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Delivery.Deploying;

/// <summary>
/// Deploys a chart to a cluster whose registry has it and all of its images. The real Helm does the work, with the kubeconfig of the
/// cluster in a file that only this user may read and that does not outlive the deployment.
/// </summary>
/// <param name="target">The cluster's registry.</param>
/// <param name="helm">Helm 3 or 4.</param>
/// <param name="time">The clock.</param>
public sealed class ChartDeployment(RegistryTarget target, HelmProgram helm, TimeProvider time)
{
    /// <summary>The option under which this program replaces images by a file.</summary>
    public const string ImagesOption = "--images";

    /// <summary>Deploys a chart.</summary>
    /// <param name="request">What and how.</param>
    /// <param name="program">This program, which Helm sends manifests through when images are rewritten.</param>
    /// <param name="cancellationToken">Ends the deployment.</param>
    /// <returns>What is missing in the registry, one sentence each; empty when Helm ran and succeeded.</returns>
    /// <exception cref="DeliveryException">The chart is not there, or Helm failed.</exception>
    /// <exception cref="ContentException">The chart can't be used.</exception>
    public async Task<IReadOnlyList<string>> RunAsync(DeployRequest request, string program, CancellationToken cancellationToken)
    {
        if (target.ReadKubeconfigAsync is not { } readKubeconfig)
            throw new DeliveryException($"{target.Name} is not a cluster.");
        // Only this user may enter it.
        var folder = Directory.CreateTempSubdirectory("capi-registry-hook-").FullName;
        try
        {
            var path = await OpenChartAsync(request, folder, cancellationToken);
            var release = new HelmRelease(request.Release ?? NameOf(path), request.Namespace);
            var manifests = await helm.RenderAsync(path, release, request.Values, cancellationToken);
            var images = await FindImagesAsync(ImageScan.Find(manifests, request.Paths), cancellationToken);
            if (images.Missing.Count > 0)
                return images.Missing;
            var kubeconfig = Path.Combine(folder, "kubeconfig");
            await WriteSecretAsync(
                kubeconfig, PlainKubeconfig.Write((await readKubeconfig(cancellationToken)).Span, time), cancellationToken);
            await InstallAsync(new HelmInstall(release, path, request.Values, kubeconfig, request.Timeout)
            {
                Waits = request.Waits,
                PostRenderer = request.Rewrites ? PostRenderer(images.Found, request, folder, program) : null,
            }, cancellationToken);
            return [];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<string> OpenChartAsync(DeployRequest request, string folder, CancellationToken cancellationToken)
    {
        if (!Path.Exists(request.Chart))
        {
            var path = Path.Combine(folder, "chart.tgz");
            await ChartInRegistry.FetchAsync(target, request, path, time, cancellationToken);
            return path;
        }

        using var chart = ChartSource.Open(request.Chart);
        if (request.Version is { } version && version != chart.Version)
            throw new DeliveryException($"{request.Chart} has the version {chart.Version} and not {version}.");
        await ChartInRegistry.PushAsync(target, chart, cancellationToken);
        return Path.GetFullPath(request.Chart);
    }

    private static string NameOf(string path)
    {
        using var chart = ChartSource.Open(path);
        return chart.Name;
    }

    private async Task<(IReadOnlyDictionary<Reference, MirroredImage> Found, IReadOnlyList<string> Missing)> FindImagesAsync(
        IReadOnlyList<ImageMention> mentions, CancellationToken cancellationToken)
    {
        var missing = new List<string>();
        var wanted = new List<(Reference Image, ImageMention Mention)>();
        foreach (var mention in mentions)
        {
            if (Reference.TryParse(mention.Image, out var image))
                wanted.Add((image, mention));
            else
                missing.Add($"{FieldText.Quote(mention.Image)} is not an image reference ({mention.Where}).");
        }

        var found = await MirroredImages.FindAsync(
            target.Client, target.Rule, target.PullAddress, wanted.Select(entry => entry.Image), cancellationToken);
        foreach (var image in wanted.GroupBy(entry => entry.Image).Where(image => found[image.Key].Digest is null))
            missing.Add($"{image.Key} is not in the registry: {found[image.Key].Reason} "
                + $"({string.Join("; ", image.Select(entry => entry.Mention.Where).Distinct().Take(5))}).");
        return (found, missing);
    }

    // Helm runs this program while the images are known already, so it is told them instead of asking again.
    private HelmPostRenderer PostRenderer(
        IReadOnlyDictionary<Reference, MirroredImage> images, DeployRequest request, string folder, string program)
    {
        var address = target.PullAddress
            ?? throw new DeliveryException($"The registry of {target.Name} has no Service with an address that nodes could pull from.");
        var file = Path.Combine(folder, "images.json");
        File.WriteAllBytes(file, ImageReplacements.ToJson(images, address));
        return HelmPostRenderer.Create(Path.Combine(folder, "plugins"), program,
            ["rewrite", $"{ImagesOption}={file}",
            .. request.Paths.Select(path => $"--path={path.Kind}:{string.Join('.', path.Segments)}")]);
    }

    private async Task InstallAsync(HelmInstall install, CancellationToken cancellationToken)
    {
        if (await helm.InstallAsync(install, cancellationToken) is not 0 and var code)
            throw new DeliveryException($"Helm failed with exit code {code}.");
    }

    private static async Task WriteSecretAsync(string path, byte[] content, CancellationToken cancellationToken)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var file = new FileStream(path, options);
        await file.WriteAsync(content, cancellationToken);
    }
}
