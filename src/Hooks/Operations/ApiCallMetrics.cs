using CapiRegistryHook.Registry.Access;

namespace CapiRegistryHook.Hooks.Operations;

/// <summary>The calls that this service makes.</summary>
internal sealed class ApiCallMetrics(ApiCallCounts calls) : IMetricsSource
{
    public void WriteTo(MetricsText text)
    {
        text.Family(ServiceMetrics.ApiCalls);
        foreach (var (server, outcome, count) in calls.Read())
            text.Sample(ServiceMetrics.ApiCalls, count, server, outcome);
    }
}
