using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Objects;

/// <summary>
/// addons.cluster.x-k8s.io/v1alpha1 HelmReleaseProxy: what the add-on provider makes of a HelmChartProxy for one Cluster. It is only read,
/// and of it only what it reports.
/// </summary>
internal sealed record HelmReleaseProxy : IKubernetesObject
{
    /// <summary>Carries the name of the HelmChartProxy.</summary>
    public const string ChartProxyLabel = "helmreleaseproxy.addons.cluster.x-k8s.io/helmchartproxy-name";

    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    public ObjectMeta Metadata { get; init; } = new();

    public HelmReleaseStatus? Status { get; init; }
}

/// <summary>The status of a <see cref="HelmReleaseProxy"/>.</summary>
internal sealed record HelmReleaseStatus
{
    public IReadOnlyList<ObjectCondition>? Conditions { get; init; }

    public long? ObservedGeneration { get; init; }

    /// <summary>Helm's revision of the release; 0 before the first.</summary>
    public long Revision { get; init; }

    /// <summary>Helm's word for the state of the release, for example <c>deployed</c>.</summary>
    public string? Status { get; init; }

    /// <summary>The condition of a type; null when there is none.</summary>
    public ObjectCondition? Find(string type) => Conditions?.FirstOrDefault(condition => condition.Type == type);
}
