using System.Text.Json;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Release;

/// <summary>
/// Whether a HelmChartProxy says all that this version would write. It spares the management cluster a write per look; fields that an
/// earlier version wrote and this one does not go when anything else is applied, at the latest with the version of the chart.
/// </summary>
internal static class ChartProxyComparison
{
    public static bool IsAsWanted(HelmChartProxy live, HelmChartProxy wanted) =>
        live.Spec is { } spec && Text(spec) == Text(wanted.Spec!)
        && Holds(live.Metadata.Labels, wanted.Metadata.Labels)
        && Holds(live.Metadata.Annotations, wanted.Metadata.Annotations)
        && wanted.Metadata.OwnerReferences!.All(owner => live.Metadata.OwnerReferences?.Contains(owner) == true);

    private static string Text(HelmChartProxySpec spec) => JsonSerializer.Serialize(spec, RegistryJson.Default.HelmChartProxySpec);

    private static bool Holds(IReadOnlyDictionary<string, string>? live, IReadOnlyDictionary<string, string>? wanted) =>
        wanted!.All(entry => live?.GetValueOrDefault(entry.Key) == entry.Value);
}
