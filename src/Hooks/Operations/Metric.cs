namespace CapiRegistryHook.Hooks.Operations;

/// <summary>One metric of the service. <c>/metrics</c> and the table in docs/metrics.md follow from it.</summary>
/// <param name="Name">The name behind the prefix that all metrics share.</param>
/// <param name="Type">What Prometheus does with it.</param>
/// <param name="Meaning">What it says, as sentences; also its help text.</param>
/// <param name="Labels">The names of its labels.</param>
public sealed record Metric(string Name, MetricType Type, string Meaning, params IReadOnlyList<string> Labels)
{
    private const string Prefix = "capi_registry_hook_";

    /// <summary>The name on the page.</summary>
    public string FullName => Prefix + Name;
}

/// <summary>The types of the text format.</summary>
public enum MetricType
{
    /// <summary>A number that only grows, and starts at 0 with the process.</summary>
    Counter,

    /// <summary>A number that goes up and down.</summary>
    Gauge,

    /// <summary>Counts of durations in buckets.</summary>
    Histogram,
}
