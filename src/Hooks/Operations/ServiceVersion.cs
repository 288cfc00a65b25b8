using System.Reflection;

namespace CapiRegistryHook.Hooks.Operations;

/// <summary>The version of this service and of the chart that ships with it; they move together.</summary>
public static class ServiceVersion
{
    /// <summary>A semantic version, for example <c>0.1.0</c>.</summary>
    public static string Text { get; } =
        typeof(ServiceVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}
