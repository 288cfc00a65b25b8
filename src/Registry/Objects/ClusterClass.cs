using System.Text.Json;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Objects;

/// <summary>A Cluster API ClusterClass, as far as it says which variables it has; v1beta1 and v1beta2 have the same fields here.</summary>
internal sealed record ClusterClass : IKubernetesObject
{
    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>All its variables, discovered ones included, as Cluster API saw them last.</summary>
    public ClusterClassStatus? Status { get; init; }
}

internal sealed record ClusterClassStatus(IReadOnlyList<ClassStatusVariable>? Variables, long? ObservedGeneration);

/// <summary>One definition of a variable.</summary>
internal sealed record ClassVariable(string? Name, ClassVariableSchema? Schema);

/// <summary>A variable with all its definitions.</summary>
internal sealed record ClassStatusVariable(string? Name, bool? DefinitionsConflict, IReadOnlyList<ClassVariable>? Definitions);

internal sealed record ClassVariableSchema(JsonElement OpenAPIV3Schema);
