using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Objects;

/// <summary>runtime.cluster.x-k8s.io ExtensionConfig, as far as it says whom Cluster API trusts when it calls this service.</summary>
internal sealed record ExtensionConfig : IKubernetesObject
{
    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    public ObjectMeta Metadata { get; init; } = new();

    public ExtensionConfigSpec? Spec { get; init; }
}

internal sealed record ExtensionConfigSpec
{
    public ExtensionClientConfig? ClientConfig { get; init; }
}

internal sealed record ExtensionClientConfig
{
    /// <summary>PEM; base64 on the wire.</summary>
    public byte[]? CaBundle { get; init; }
}
