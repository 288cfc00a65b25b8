using System.Reflection;

namespace CapiRegistryHook.Hooks;

/// <summary>The version of this service and of the chart that ships with it; they move together.</summary>
internal static class ServiceVersion
{
    public static string Text { get; } =
        typeof(ServiceVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}
