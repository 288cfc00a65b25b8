using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Objects;

/// <summary>A MutatingWebhookConfiguration, as far as it says whom the API server trusts when it calls this service.</summary>
internal sealed record MutatingWebhookConfiguration : IKubernetesObject
{
    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    public ObjectMeta Metadata { get; init; } = new();

    public IReadOnlyList<AdmissionWebhook>? Webhooks { get; init; }
}

internal sealed record AdmissionWebhook(string? Name, ExtensionClientConfig? ClientConfig);
