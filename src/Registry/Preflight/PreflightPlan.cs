using System.Globalization;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Registry.Preflight;

/// <summary>A Cluster with what it would get, which its checks start from.</summary>
public sealed class PreflightPlan
{
    internal PreflightPlan(Cluster cluster, RegistryOptions options)
    {
        Cluster = cluster;
        Result = RegistryPlan.Create(cluster, options);
    }

    /// <summary>The Cluster, live or as it is to be created.</summary>
    public Cluster Cluster { get; }

    /// <summary>The images that the registry's own pods need, in full; none when there is no registry to be.</summary>
    public IReadOnlyList<string> Images => Wanted is { } plan ? RegistryImages.Of(plan.Values) : [];

    /// <summary>
    /// The bytes of each volume that take content before pushes are refused; null when the storage has no size of its own, or there is no
    /// registry to be.
    /// </summary>
    public long? Room
    {
        get
        {
            if (Wanted is not { } plan)
                return null;
            var values = HelmValues.Coalesce(ShippedChart.Defaults, plan.Values);
            var mark = int.TryParse(HelmValues.Find(values, "storage.highWaterMark")?.ToJsonString(), NumberStyles.None,
                CultureInfo.InvariantCulture, out var percent) && percent > 0 ? percent : 100;
            return (string?)HelmValues.Find(values, "storage.type") == "pvc"
                && Quantity.TryParse((string?)HelmValues.Find(values, "storage.size") ?? "", out var size)
                ? (long)(size.Value * mark / 100) : null;
        }
    }

    internal PlanResult Result { get; }

    /// <summary>The plan; null when there is no registry to be.</summary>
    internal RegistryPlan? Wanted => (Result as PlanResult.Wanted)?.Plan;
}
