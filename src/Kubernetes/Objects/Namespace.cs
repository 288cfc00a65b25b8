namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>A core/v1 Namespace.</summary>
public sealed record Namespace : IKubernetesObject
{
    /// <summary>Always <c>v1</c>.</summary>
    public string ApiVersion => "v1";

    /// <summary>Always <c>Namespace</c>.</summary>
    public string Kind => "Namespace";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();
}
