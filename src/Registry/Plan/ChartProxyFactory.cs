using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>Makes the HelmChartProxy that installs the chart on exactly one Cluster.</summary>
internal static class ChartProxyFactory
{
    /// <param name="plan">The plan.</param>
    /// <param name="options">Where the chart comes from.</param>
    /// <param name="values">The chart's values.</param>
    public static HelmChartProxy Create(RegistryPlan plan, RegistryOptions options, JsonObject values) => new()
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
            ClusterSelector = new LabelSelector(
                new Dictionary<string, string> { [RegistryPlan.ClusterNameLabel] = plan.Cluster.Name.Name }),
            RepoURL = options.ChartRepository,
            ChartName = options.ChartName,
            Version = options.ChartVersion,
            ReleaseName = RegistryNames.Registry,
            Namespace = RegistryNames.Namespace,
            ReconcileStrategy = "Continuous",
            TlsConfig = KubernetesNames.TryParsePair(options.ChartCaSecret, out var secret)
                ? new HelmTlsConfig(new SecretReference(secret.Name, secret.Namespace))
                : null,
            ValuesTemplate = YamlText.WriteTemplate(values),
        },
    };
}
