using CapiRegistryHook.Kubernetes;

namespace CapiRegistryHook.Registry;

/// <summary>Makes the HelmChartProxy that installs the chart on exactly one Cluster.</summary>
internal static class ChartProxyFactory
{
    public static HelmChartProxy Create(RegistryPlan plan, RegistryOptions options, string certificateSerial) => new()
    {
        Metadata = new ObjectMeta
        {
            Namespace = plan.ChartProxy.Namespace,
            Name = plan.ChartProxy.Name,
            Labels = ObjectLabels.For(plan),
            OwnerReferences = [plan.Owner],
        },
        Spec = new HelmChartProxySpec
        {
            ClusterSelector = new LabelSelector(new Dictionary<string, string> { [RegistryPlan.ClusterNameLabel] = plan.Cluster.Name.Name }),
            RepoURL = options.ChartRepository,
            ChartName = options.ChartName,
            Version = options.ChartVersion,
            ReleaseName = RegistryNames.Registry,
            Namespace = RegistryNames.Namespace,
            ReconcileStrategy = "Continuous",
            TlsConfig = KubernetesNames.TryParsePair(options.ChartCaSecret, out var secret)
                ? new HelmTlsConfig(new SecretReference(secret.Name, secret.Namespace))
                : null,
            ValuesTemplate = YamlText.WriteTemplate(ChartValues.Build(plan, certificateSerial)),
        },
    };
}

/// <summary>Labels of what this product makes.</summary>
internal static class ObjectLabels
{
    public const string FieldManager = "capi-registry-hook";

    /// <summary>Makes <c>clusterctl move</c> carry an object that it would not find by ownership alone.</summary>
    private const string MoveLabel = "clusterctl.cluster.x-k8s.io/move";

    public static IReadOnlyDictionary<string, string> Movable { get; } = new Dictionary<string, string>
    {
        ["app.kubernetes.io/managed-by"] = FieldManager,
        [MoveLabel] = "",
    };

    public static IReadOnlyDictionary<string, string> Workload { get; } = new Dictionary<string, string>
    {
        ["app.kubernetes.io/managed-by"] = FieldManager,
    };

    public static IReadOnlyDictionary<string, string> For(RegistryPlan plan) => new Dictionary<string, string>
    {
        ["app.kubernetes.io/managed-by"] = FieldManager,
        [RegistryPlan.ClusterNameLabel] = plan.Cluster.Name.Name,
    };
}
