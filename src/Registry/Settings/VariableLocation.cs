namespace CapiRegistryHook.Registry.Settings;

/// <summary>Where in a Cluster's topology variables the registry's settings are.</summary>
/// <param name="Name">The name of the variable.</param>
/// <param name="Path">The field names below the variable's value, joined by dots.</param>
public sealed record VariableLocation(string Name, string Path)
{
    /// <summary>Cluster API's own variable.</summary>
    public const string Builtin = "builtin";

    /// <summary>The field names from the variable's value to the settings.</summary>
    public IReadOnlyList<string> Steps => Path.Split('.');

    /// <summary>The settings as sentences name them, for example <c>clusterConfig.addons.registry</c>.</summary>
    public string Field => $"{Name}.{Path}";
}
