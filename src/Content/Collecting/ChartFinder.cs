using CapiRegistryHook.Content.Charts;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Content.Workloads;

namespace CapiRegistryHook.Content.Collecting;

/// <summary>A chart that was found.</summary>
/// <param name="Name">Its name in a bundle.</param>
/// <param name="Source">Where it is read for the bundle.</param>
/// <param name="Root">Its manifest there.</param>
/// <param name="Chart">What is in it.</param>
/// <param name="Path">The file or folder that Helm renders.</param>
internal sealed record FoundChart(Reference Name, IContentSource Source, Descriptor Root, ChartSource Chart, string Path);

/// <summary>Finds charts: in registries, in https repositories, in files and folders.</summary>
/// <param name="registries">How registries and repositories are called.</param>
/// <param name="opened">Keeps what it opens.</param>
/// <param name="folder">The folder that paths are relative to.</param>
/// <param name="time">The clock.</param>
internal sealed class ChartFinder(UpstreamRegistries registries, OpenSources opened, string folder, TimeProvider time)
{
    private const string Scheme = "oci://";
    private const string ChartsFolder = "charts";
    private const string LocalHost = "localhost";

    /// <summary>Finds a chart and reads it.</summary>
    /// <exception cref="ContentException">It is not there, or can't be used.</exception>
    public Task<FoundChart> FindAsync(ChartWish wish, CancellationToken cancellationToken) =>
        wish.Repository is { } repository ? FromRepositoryAsync(wish, repository, cancellationToken)
        : wish.Chart.StartsWith(Scheme, StringComparison.Ordinal) ? FromRegistryAsync(wish, cancellationToken)
        : Task.FromResult(FromFile(wish));

    private FoundChart FromFile(ChartWish wish)
    {
        var path = Path.GetFullPath(wish.Chart, folder);
        if (!Path.Exists(path))
            throw new ContentException($"The chart {path} does not exist.");
        var chart = opened.OpenChart(path);
        if (wish.Version is { } version && version != chart.Version)
            throw new ContentException($"The chart {path} has the version {chart.Version} and not {Digest.Shorten(version)}.");
        return new FoundChart(NameOf(LocalHost, chart), chart, chart.Root, chart, path);
    }

    private async Task<FoundChart> FromRepositoryAsync(ChartWish wish, string repository, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(repository, UriKind.Absolute, out var address) || address.UserInfo.Length > 0)
            throw new ContentException($"'{Digest.Shorten(repository)}' is not the address of a chart repository.");
        using var charts = new ChartRepository(registries.Handler, address, registries.OptionsOf(address.Authority));
        var location = await charts.FindAsync(wish.Chart, wish.Version, cancellationToken);
        var path = opened.NewChartFile();
        await charts.DownloadAsync(location, path, cancellationToken);
        var chart = opened.OpenChart(path);
        if (chart.Name != wish.Chart || chart.Version != location.Version)
            throw new ContentException($"{location.Url} holds the chart {chart.Name} {chart.Version}, and its repository says "
                + $"{Digest.Shorten(wish.Chart)} {Digest.Shorten(location.Version)}.");
        return new FoundChart(NameOf(address.Authority, chart), chart, chart.Root, chart, path);
    }

    private async Task<FoundChart> FromRegistryAsync(ChartWish wish, CancellationToken cancellationToken)
    {
        var text = wish.Chart[Scheme.Length..];
        var given = Reference.Parse(text);
        var hasSelector = given.Digest is not null || text.EndsWith($":{given.Tag}", StringComparison.Ordinal);
        var client = registries.Find(given.Registry);
        var name = hasSelector ? given
            : given.With(wish.Version?.Replace('+', '_') ?? await NewestAsync(client, given, cancellationToken), digest: null);
        var root = await client.ResolveAsync(name.Repository, name.Selector, cancellationToken)
            ?? throw new ContentException($"The chart {name} does not exist.");
        var source = new RegistrySource(client, name.Repository);
        var path = opened.NewChartFile();
        await ChartDownload.RunAsync(source, root, name.ToString(), path, time, cancellationToken);
        var chart = opened.OpenChart(path);
        return new FoundChart(name, source, root, chart, path);
    }

    private static async Task<string> NewestAsync(RegistryClient client, Reference chart, CancellationToken cancellationToken) =>
        await ChartDownload.FindNewestAsync(client, chart.Repository, cancellationToken)
            ?? throw new ContentException($"The chart {chart.Name} has no released version; name one in the field version.");

    // A host keeps charts of two repositories apart; in a registry the path alone counts.
    private static Reference NameOf(string host, ChartSource chart) =>
        Reference.Create(host, $"{ChartsFolder}/{chart.Name}", chart.Tag);
}
