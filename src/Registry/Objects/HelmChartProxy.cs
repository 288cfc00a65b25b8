using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Objects;

/// <summary>
/// addons.cluster.x-k8s.io/v1alpha1 HelmChartProxy: asks the Cluster API add-on provider for Helm to keep a release on
/// the Clusters it selects.
/// </summary>
internal sealed record HelmChartProxy : IKubernetesObject
{
    public string? ApiVersion { get; init; } = "addons.cluster.x-k8s.io/v1alpha1";

    public string? Kind { get; init; } = "HelmChartProxy";

    public ObjectMeta Metadata { get; init; } = new();

    public HelmChartProxySpec? Spec { get; init; }

    /// <summary>What the provider reports; never written here.</summary>
    public ObjectStatus? Status { get; init; }
}

internal sealed record HelmChartProxySpec
{
    public required LabelSelector ClusterSelector { get; init; }

    public required string RepoURL { get; init; }

    public required string ChartName { get; init; }

    public string? Version { get; init; }

    public string? ReleaseName { get; init; }

    /// <summary>The namespace of the release on the workload cluster.</summary>
    public string? Namespace { get; init; }

    /// <summary>Values as YAML that the provider first runs through Go's text/template.</summary>
    public string? ValuesTemplate { get; init; }

    public string? ReconcileStrategy { get; init; }

    public HelmTlsConfig? TlsConfig { get; init; }
}

internal sealed record LabelSelector(IReadOnlyDictionary<string, string> MatchLabels);

internal sealed record HelmTlsConfig(SecretReference CaSecret);

internal sealed record SecretReference(string Name, string Namespace);
