using System.Text.Json;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Registry.Enabling;

/// <summary>Whether Clusters of a ClusterClass can request a registry.</summary>
internal enum ClassSupport
{
    /// <summary>The ClusterClass can't be read, or Cluster API has not discovered its variables yet.</summary>
    Unknown,

    /// <summary>It has no such variable, or another add-on's.</summary>
    Absent,

    /// <summary>Every definition of the variable has the registry's settings at the path.</summary>
    Present,
}

/// <summary>Finds the registry's settings in the variables of a ClusterClass.</summary>
internal static class ClassVariables
{
    /// <summary>Looks at all definitions: Cluster API refuses a Cluster whose value violates one of them.</summary>
    public static ClassSupport Evaluate(ClusterClass clusterClass, VariableLocation location)
    {
        var status = clusterClass.Status?.Variables?.FirstOrDefault(variable => variable?.Name == location.Name);
        if (status is not null)
            return status.DefinitionsConflict != true && AllOurs(status.Definitions, location)
                ? ClassSupport.Present : ClassSupport.Absent;
        if (clusterClass.Status?.ObservedGeneration == clusterClass.Metadata.Generation)
            return ClassSupport.Absent;
        return ClassSupport.Unknown;
    }

    private static bool AllOurs(IReadOnlyList<ClassVariable>? definitions, VariableLocation location) =>
        definitions is { Count: > 0 } && definitions.All(
            definition => VariableSchema.IsOurs(definition?.Schema?.OpenAPIV3Schema ?? default(JsonElement), location));
}
