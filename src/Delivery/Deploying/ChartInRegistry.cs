using CapiRegistryHook.Content.Charts;
using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Delivery.Deploying;

/// <summary>Gets a chart out of a cluster's registry, or into it where it is a file.</summary>
internal static class ChartInRegistry
{
    private const string Scheme = "oci://";

    /// <summary>Pushes a chart from a file or folder, under the place that pushes of it have.</summary>
    /// <exception cref="DeliveryException">The registry does not take it.</exception>
    public static async Task PushAsync(RegistryTarget target, ChartSource chart, CancellationToken cancellationToken)
    {
        var place = DeliverySource.PlaceOf(chart);
        var item = new CopyItem($"{place.Repository}:{place.Tag}", chart, chart.Root, place.Repository, place.Tag);
        var report = await ContentCopy.RunAsync(target.Client, [item], new CopyOptions(), cancellationToken);
        if (report.Failures is [var failure, ..])
            throw new DeliveryException($"The chart can't be pushed to the registry of {target.Name}: {failure}");
    }

    /// <summary>Writes a chart of the registry to a file.</summary>
    /// <param name="target">The registry.</param>
    /// <param name="request">Which chart: its repository, with or without <c>charts/</c>, or the name that it had upstream.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <exception cref="DeliveryException">The registry has no such chart.</exception>
    public static async Task FetchAsync(
        RegistryTarget target, DeployRequest request, string path, TimeProvider time, CancellationToken cancellationToken)
    {
        foreach (var repository in Repositories(request.Chart))
        {
            var wanted = request.Version?.Replace('+', '_');
            if ((wanted ?? await ChartDownload.FindNewestAsync(target.Client, repository, cancellationToken)) is not { } tag
                || await target.Client.ResolveAsync(repository, tag, cancellationToken) is not { } root)
                continue;
            var source = new RegistrySource(target.Client, repository);
            await ChartDownload.RunAsync(source, root, $"{repository}:{tag}", path, time, cancellationToken);
            return;
        }

        throw new DeliveryException($"The registry of {target.Name} has no chart {request.Chart}"
            + $"{(request.Version is null ? "" : $" of version {request.Version}")}: push it first, or give a file.");
    }

    private static List<string> Repositories(string chart)
    {
        if (chart.StartsWith(Scheme, StringComparison.Ordinal))
            return [Reference.Parse(chart[Scheme.Length..]).Repository];
        return ReferenceGrammar.IsRepository(chart) ? [chart, $"{DeliverySource.ChartsFolder}/{chart}"]
            : throw new DeliveryException($"There is no file {chart}, and it is not the name of a chart in a registry either.");
    }
}
