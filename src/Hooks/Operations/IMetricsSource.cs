namespace CapiRegistryHook.Hooks.Operations;

/// <summary>A part of the service that has something to show on <c>/metrics</c>.</summary>
internal interface IMetricsSource
{
    /// <summary>Writes whole families, each with its samples.</summary>
    void WriteTo(MetricsText text);
}
