using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Service;

/// <summary>
/// What Cluster API's add-on provider for Helm (0.6.4) reports of a release, as it writes it: the types, reasons and messages are those of
/// its API and of Helm.
/// </summary>
public static class ProviderStatus
{
    /// <summary>Helm's message when a StatefulSet's volumes were changed.</summary>
    public const string ImmutableField =
        "cannot patch \"registry\" with kind StatefulSet: StatefulSet.apps \"registry\" is invalid: spec: Forbidden: updates to "
            + "statefulset spec for fields other than 'replicas', 'template', 'updateStrategy', 'persistentVolumeClaimRetentionPolicy' and "
            + "'minReadySeconds' are forbidden";

    /// <summary>The status of a HelmChartProxy.</summary>
    /// <param name="releasesReady">True, False or Unknown: whether its HelmReleaseProxies are ready.</param>
    public static JsonObject ChartProxy(string releasesReady) => new()
    {
        ["status"] = new JsonObject
        {
            ["observedGeneration"] = 99,
            ["conditions"] = new JsonArray(
                Condition("HelmReleaseProxySpecsUpToDate", "True", "HelmReleaseProxySpecsUpToDate", "Up to date"),
                Condition("HelmReleaseProxiesReady", releasesReady, releasesReady == "True" ? "Ready" : "NotReady", "The releases"),
                Condition("Ready", releasesReady, releasesReady == "True" ? "Ready" : "NotReady", "All conditions")),
        },
    };

    /// <summary>A HelmReleaseProxy of a HelmChartProxy, without its status.</summary>
    public static JsonObject ReleaseProxy(JsonNode chartProxy) => new()
    {
        ["apiVersion"] = "addons.cluster.x-k8s.io/v1alpha1",
        ["kind"] = "HelmReleaseProxy",
        ["metadata"] = new JsonObject
        {
            ["name"] = $"{chartProxy["metadata"]!["name"]}-x7k2p",
            ["labels"] = new JsonObject
            {
                ["helmreleaseproxy.addons.cluster.x-k8s.io/helmchartproxy-name"] = (string?)chartProxy["metadata"]!["name"],
            },
            ["ownerReferences"] = new JsonArray(new JsonObject
            {
                ["apiVersion"] = "addons.cluster.x-k8s.io/v1alpha1",
                ["kind"] = "HelmChartProxy",
                ["name"] = (string?)chartProxy["metadata"]!["name"],
                ["uid"] = (string?)chartProxy["metadata"]!["uid"],
                ["controller"] = true,
            }),
        },
        ["spec"] = new JsonObject
        {
            ["clusterRef"] = new JsonObject { ["kind"] = "Cluster", ["name"] = "c1" },
            ["chartName"] = "registry", ["repoURL"] = "oci://registry", ["namespace"] = "registry-system",
        },
    };

    /// <summary>The status of a HelmReleaseProxy.</summary>
    public static JsonObject Release(string ready, string reason, string message, string helmStatus) => new()
    {
        ["status"] = new JsonObject
        {
            ["observedGeneration"] = 99,
            ["revision"] = 2,
            ["status"] = helmStatus,
            ["conditions"] = new JsonArray(
                Condition("ClusterAvailable", "True", "Available", "It is available"),
                Condition("HelmReleaseReady", ready, reason, message),
                Condition("Ready", ready, ready == "True" ? "Ready" : "NotReady", message)),
        },
    };

    private static JsonObject Condition(string type, string status, string reason, string message) => new()
    {
        ["type"] = type,
        ["status"] = status,
        ["reason"] = reason,
        ["message"] = message,
        ["lastTransitionTime"] = "2026-01-01T00:00:00Z",
    };
}
