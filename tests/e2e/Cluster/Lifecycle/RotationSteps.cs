using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;

/// <summary>Steps that concern the root, and what can be observed of it on the management cluster.</summary>
internal static class RotationSteps
{
    private const string Root = "registry-addon-root-ca";
    private const string Machines = "/apis/cluster.x-k8s.io/v1beta2/namespaces/default/machines";

    private static string Secrets => AdminClient.Secrets(HookService.Namespace);

    /// <summary>A Machine, as far as its age goes.</summary>
    public static Task CreateMachineAsync(this ClusterLifecycle lifecycle, string name, CancellationToken cancellationToken) =>
        lifecycle.Management.CreateAsync(Machines, new JsonObject
    {
        ["apiVersion"] = "cluster.x-k8s.io/v1beta2",
        ["kind"] = "Machine",
        ["metadata"] = new JsonObject { ["name"] = name,
        ["labels"] = new JsonObject { ["cluster.x-k8s.io/cluster-name"] = lifecycle.Cluster.Name } },
        ["spec"] = new JsonObject
        {
            ["clusterName"] = lifecycle.Cluster.Name,
            ["bootstrap"] = new JsonObject { ["dataSecretName"] = name },
            ["infrastructureRef"] = new JsonObject { ["apiGroup"] = "infrastructure.cluster.x-k8s.io", ["kind"] = "InMemoryMachine",
            ["name"] = name },
        },
    }, cancellationToken);

    /// <summary>The node is replaced.</summary>
    public static async Task DeleteMachineAsync(this ClusterLifecycle lifecycle, string name, CancellationToken cancellationToken)
    {
        await lifecycle.Management.DeleteIfThereAsync(Machines, name, cancellationToken);
        await lifecycle.LookAgainAsync(cancellationToken);
    }

    /// <summary>An admin asks for another root.</summary>
    public static async Task AskForRotationAsync(this ClusterLifecycle lifecycle, CancellationToken cancellationToken)
    {
        await AnnotateAsync(lifecycle, Secrets, Root, "capi-registry-hook.io/rotate-ca", "test", cancellationToken);
        await lifecycle.LookAgainAsync(cancellationToken);
    }

    /// <summary>Waits until nodes would be made with this many roots, and returns them.</summary>
    public static async Task<string> WaitForTrustAsync(this ClusterLifecycle lifecycle, int roots, CancellationToken cancellationToken)
    {
        var trust = "";
        await Polling.UntilAsync($"a trust bundle of {roots}", IsThereAsync, () => trust, cancellationToken);
        return trust;

        async Task<bool> IsThereAsync()
        {
            trust = await lifecycle.TrustAsync(cancellationToken);
            return trust.Split("BEGIN CERTIFICATE").Length - 1 == roots;
        }
    }

    /// <summary>Waits until every pod was seen to serve what was issued last.</summary>
    public static Task WaitForServedAsync(
        this ClusterLifecycle lifecycle, CancellationToken cancellationToken, TimeSpan? bound = null) => Polling.UntilAsync(
        "the certificate that was issued last in all pods",
        async () => await lifecycle.ReadReleaseAsync(cancellationToken) is { } release
            && Annotation(release, "certificate-served") is { } served && served == Annotation(release, "certificate-serial"),
        () => lifecycle.Log, cancellationToken, bound);

    /// <summary>Waits until the next root has become the root.</summary>
    public static Task WaitForPromotionAsync(this ClusterLifecycle lifecycle, CancellationToken cancellationToken) => Polling.UntilAsync(
        "the end of the switch",
        async () => await lifecycle.Management.FindAsync(Secrets, $"{Root}-next", cancellationToken) is null,
        () => lifecycle.Log, cancellationToken);

    /// <summary>Waits until somebody who looks at the Cluster is told of this Machine.</summary>
    public static Task WaitForReportAsync(this ClusterLifecycle lifecycle, string machine, CancellationToken cancellationToken) =>
        Polling.UntilAsync(
        $"an Event that names the Machine {machine}",
        async () => (await lifecycle.Management.ListAsync(AdminClient.Events("default"), cancellationToken))
            .Any(told => (string?)told["regarding"]!["name"] == lifecycle.Cluster.Name
            && ((string?)told["note"])!.Contains(machine, StringComparison.Ordinal)),
        () => lifecycle.Log, cancellationToken);

    /// <summary>A change of the Cluster is looked at at once; without it the next look is an hour away.</summary>
    private static Task LookAgainAsync(this ClusterLifecycle lifecycle, CancellationToken cancellationToken) => AnnotateAsync(
        lifecycle, AdminClient.Clusters("default"), lifecycle.Cluster.Name, "tests/look", Guid.NewGuid().ToString(), cancellationToken);

    private static string? Annotation(JsonObject item, string name) =>
        (string?)item["metadata"]!["annotations"]?[$"capi-registry-hook.io/{name}"];

    private static async Task AnnotateAsync(
        ClusterLifecycle lifecycle, string collection, string name, string key, string value, CancellationToken cancellationToken) =>
        await lifecycle.Management.MergePatchAsync(
            collection, name, new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [key] = value } } },
            cancellationToken);
}
