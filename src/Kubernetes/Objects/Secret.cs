namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>A core/v1 Secret. Its text form never shows data.</summary>
public sealed record Secret : IKubernetesObject
{
    /// <summary>Always <c>v1</c>.</summary>
    public string ApiVersion => "v1";

    /// <summary>Always <c>Secret</c>.</summary>
    public string Kind => "Secret";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>What the keys mean, as in <c>kubernetes.io/tls</c>; immutable once stored, <c>Opaque</c> by default.</summary>
    public string? Type { get; init; }

    /// <summary>The values by key; base64 on the wire.</summary>
    public IReadOnlyDictionary<string, byte[]>? Data { get; init; }

    /// <summary>Where the Secret lies and how many keys it has, never what is in it.</summary>
    /// <returns>The text for logs and messages.</returns>
    public override string ToString() =>
        $"Secret {NamespacedName.Of(Metadata ?? new())} "
            + (Data?.Count == 1 ? "(1 key)" : $"({Data?.Count ?? 0} keys)");
}
