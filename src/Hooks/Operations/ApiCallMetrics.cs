using CapiRegistryHook.Registry.Access;

namespace CapiRegistryHook.Hooks.Operations;

/// <summary>The calls that this service makes.</summary>
internal sealed class ApiCallMetrics(ApiCallCounts calls) : IMetricsSource
{
    public void WriteTo(MetricsText text)
    {
        text.Family("capi_registry_hook_api_calls_total", "counter", "Calls of API servers by server and outcome; each repetition counts.");
        foreach (var (server, outcome, count) in calls.Read())
            text.Sample("capi_registry_hook_api_calls_total", count, ("server", server), ("outcome", outcome));
    }
}
