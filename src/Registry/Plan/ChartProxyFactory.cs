using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>Makes the HelmChartProxy that installs the chart on exactly one Cluster.</summary>
internal static class ChartProxyFactory
{
    /// <param name="plan">The plan.</param>
    /// <param name="values">The chart's values.</param>
    public static HelmChartProxy Create(RegistryPlan plan, JsonObject values) => new()
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
            RepoURL = plan.Release.Repository,
            ChartName = plan.Release.ChartName,
            Version = plan.Release.ChartVersion,
            ReleaseName = RegistryNames.Registry,
            Namespace = RegistryNames.Namespace,
            ReconcileStrategy = "Continuous",
            TlsConfig = KubernetesNames.TryParsePair(plan.Release.CaSecret, out var secret)
                ? new HelmTlsConfig(new SecretReference(secret.Name, secret.Namespace))
                : null,
            ValuesTemplate = YamlText.WriteTemplate(values),
        },
    };
}
