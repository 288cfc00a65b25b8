namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>A core/v1 ConfigMap.</summary>
public sealed record ConfigMap : IKubernetesObject
{
    /// <summary>Always <c>v1</c>.</summary>
    public string ApiVersion => "v1";

    /// <summary>Always <c>ConfigMap</c>.</summary>
    public string Kind => "ConfigMap";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>Text values by key.</summary>
    public IReadOnlyDictionary<string, string>? Data { get; init; }

    /// <summary>Binary values by key; base64 on the wire.</summary>
    public IReadOnlyDictionary<string, byte[]>? BinaryData { get; init; }

    /// <summary>True when the API server refuses to change the data.</summary>
    public bool? Immutable { get; init; }
}
