using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Story;

/// <summary>What happens to a story's root, and what can be seen of it on the management cluster.</summary>
internal static class StoryRotation
{
    private const string Root = "registry-addon-root-ca";
    private const string Machines = "/apis/cluster.x-k8s.io/v1beta2/namespaces/default/machines";

    private static string Secrets => AdminClient.Secrets(HookService.Namespace);

    /// <summary>A Machine, as far as its age goes.</summary>
    public static Task CreateMachineAsync(this Story story, string name, CancellationToken cancellationToken) =>
        story.Management.CreateAsync(Machines, new JsonObject
    {
        ["apiVersion"] = "cluster.x-k8s.io/v1beta2",
        ["kind"] = "Machine",
        ["metadata"] = new JsonObject { ["name"] = name,
        ["labels"] = new JsonObject { ["cluster.x-k8s.io/cluster-name"] = story.Cluster.Name } },
        ["spec"] = new JsonObject
        {
            ["clusterName"] = story.Cluster.Name,
            ["bootstrap"] = new JsonObject { ["dataSecretName"] = name },
            ["infrastructureRef"] = new JsonObject { ["apiGroup"] = "infrastructure.cluster.x-k8s.io", ["kind"] = "InMemoryMachine",
            ["name"] = name },
        },
    }, cancellationToken);

    /// <summary>The node is replaced.</summary>
    public static async Task DeleteMachineAsync(this Story story, string name, CancellationToken cancellationToken)
    {
        await story.Management.DeleteIfThereAsync(Machines, name, cancellationToken);
        await story.LookAgainAsync(cancellationToken);
    }

    /// <summary>An admin asks for another root.</summary>
    public static async Task AskForRotationAsync(this Story story, CancellationToken cancellationToken)
    {
        await AnnotateAsync(story, Secrets, Root, "capi-registry-hook.io/rotate-root", "test", cancellationToken);
        await story.LookAgainAsync(cancellationToken);
    }

    /// <summary>Waits until nodes would be made with this many roots, and returns them.</summary>
    public static async Task<string> WaitForTrustAsync(this Story story, int roots, CancellationToken cancellationToken)
    {
        var trust = "";
        await Readiness.UntilAsync($"a trust bundle of {roots}", IsThereAsync, () => trust, cancellationToken);
        return trust;

        async Task<bool> IsThereAsync()
        {
            trust = await story.TrustAsync(cancellationToken);
            return trust.Split("BEGIN CERTIFICATE").Length - 1 == roots;
        }
    }

    /// <summary>Waits until every pod was seen to serve what was issued last.</summary>
    public static Task WaitForServedAsync(this Story story, CancellationToken cancellationToken) => Readiness.UntilAsync(
        "the certificate of the next root in all pods",
        async () => await story.ReadReleaseAsync(cancellationToken) is { } release
            && Annotation(release, "certificate-served") is { } served && served == Annotation(release, "certificate-serial"),
        () => story.Log, cancellationToken);

    /// <summary>Waits until the next root has become the root.</summary>
    public static Task WaitForPromotionAsync(this Story story, CancellationToken cancellationToken) => Readiness.UntilAsync(
        "the end of the switch",
        async () => await story.Management.FindAsync(Secrets, $"{Root}-next", cancellationToken) is null,
        () => story.Log, cancellationToken);

    /// <summary>Waits until somebody who looks at the Cluster is told of this Machine.</summary>
    public static Task WaitForReportAsync(this Story story, string machine, CancellationToken cancellationToken) => Readiness.UntilAsync(
        $"an Event that names the Machine {machine}",
        async () => (await story.Management.ListAsync(AdminClient.Events("default"), cancellationToken))
            .Any(told => (string?)told["regarding"]!["name"] == story.Cluster.Name
            && ((string?)told["note"])!.Contains(machine, StringComparison.Ordinal)),
        () => story.Log, cancellationToken);

    /// <summary>A change of the Cluster is looked at at once; without it the next look is an hour away.</summary>
    private static Task LookAgainAsync(this Story story, CancellationToken cancellationToken) => AnnotateAsync(
        story, AdminClient.Clusters("default"), story.Cluster.Name, "tests/look", Guid.NewGuid().ToString(), cancellationToken);

    private static string? Annotation(JsonObject item, string name) =>
        (string?)item["metadata"]!["annotations"]?[$"capi-registry-hook.io/{name}"];

    private static async Task AnnotateAsync(
        Story story, string collection, string name, string key, string value, CancellationToken cancellationToken) =>
        await story.Management.MergePatchAsync(
            collection, name, new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [key] = value } } },
            cancellationToken);
}
