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

    /// <summary>Where the namespace is in its life; kept by the API server.</summary>
    public NamespaceStatus? Status { get; init; }
}

/// <summary>Where a namespace is in its life.</summary>
public sealed record NamespaceStatus
{
    /// <summary><c>Active</c>, or <c>Terminating</c>, in which nothing can be created any more.</summary>
    public string? Phase { get; init; }
}
