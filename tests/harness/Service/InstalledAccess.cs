using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.Harness.Service;

/// <summary>Gives the service on a real management cluster exactly the rights that its chart gives it.</summary>
public static class InstalledAccess
{
    /// <summary>The service's name for an API server.</summary>
    public static string User => $"system:serviceaccount:{HookService.Namespace}:{HookChart.Release}";

    /// <summary>Creates the service account and its roles, and returns a kubeconfig with the account's token.</summary>
    /// <param name="environment">Where the management cluster is.</param>
    /// <param name="cancellationToken">Ends Helm and the calls.</param>
    /// <param name="values">Values of the chart, as <c>--set</c> takes them.</param>
    public static async Task<string> GrantAsync(TestEnvironment environment, CancellationToken cancellationToken, params string[] values)
    {
        await RevokeAsync(environment, cancellationToken);
        foreach (var rendered in await HookChart.RenderAsync(cancellationToken, [.. values.SelectMany(value => new[] { "--set", value })]))
        {
            if (Collection(rendered.Kind(), (string?)rendered["metadata"]!["namespace"]) is { } collection)
                await environment.ManagementObjects.CreateAsync(collection, rendered, cancellationToken);
        }

        var request = new JsonObject { ["apiVersion"] = "authentication.k8s.io/v1", ["kind"] = "TokenRequest",
            ["spec"] = new JsonObject() };
        var accounts = Collection("ServiceAccount", HookService.Namespace);
        var token = await environment.ManagementObjects.CreateAsync($"{accounts}/{HookChart.Release}/token", request, cancellationToken);
        return KubeconfigText.Write(
            "installed", environment.Management.Address, environment.Management.CertificateAuthorityPem,
            (string)token["status"]!["token"]!);
    }

    /// <summary>The arguments of the installed service that go with its rights: where it looks for Clusters.</summary>
    /// <param name="cancellationToken">Ends Helm.</param>
    /// <param name="values">The values that <see cref="GrantAsync"/> was given.</param>
    public static async Task<IReadOnlyList<string>> ArgumentsAsync(CancellationToken cancellationToken, params string[] values)
    {
        var rendered = await HookChart.RenderAsync(cancellationToken, [.. values.SelectMany(value => new[] { "--set", value })]);
        var pod = rendered.Single(item => item.Kind() == "Deployment")["spec"]!["template"]!["spec"]!;
        return [.. pod["containers"]![0]!["args"]!.AsArray().Select(argument => (string)argument!)
            .Where(argument => argument.StartsWith("--watch-namespaces=", StringComparison.Ordinal))];
    }

    /// <summary>Takes away what an earlier test was given, whatever its values made the chart give.</summary>
    private static async Task RevokeAsync(TestEnvironment environment, CancellationToken cancellationToken)
    {
        await environment.ManagementObjects.DeleteIfThereAsync(
            Collection("ServiceAccount", HookService.Namespace)!, HookChart.Release, cancellationToken);
        foreach (var kind in new[] { "ClusterRole", "ClusterRoleBinding" })
            await RevokeAsync(environment, Collection(kind, null)!, $"{HookService.Namespace}:{HookChart.Release}", cancellationToken);
        foreach (var kind in new[] { "Role", "RoleBinding" })
        {
            await RevokeAsync(environment, Collection(kind, "default")!, HookChart.Release, cancellationToken);
            await RevokeAsync(environment, Collection(kind, HookService.Namespace)!, HookChart.Release, cancellationToken);
        }
    }

    private static async Task RevokeAsync(
        TestEnvironment environment, string collection, string prefix, CancellationToken cancellationToken)
    {
        foreach (var item in await environment.ManagementObjects.ListAsync(collection, cancellationToken))
        {
            var name = (string)item["metadata"]!["name"]!;
            if (name.StartsWith(prefix, StringComparison.Ordinal))
                await environment.ManagementObjects.DeleteIfThereAsync(collection, name, cancellationToken);
        }
    }

    private static string? Collection(string kind, string? @namespace) => kind switch
    {
        "ServiceAccount" => $"/api/v1/namespaces/{@namespace}/serviceaccounts",
        "ClusterRole" => "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "ClusterRoleBinding" => "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "Role" => $"/apis/rbac.authorization.k8s.io/v1/namespaces/{@namespace}/roles",
        "RoleBinding" => $"/apis/rbac.authorization.k8s.io/v1/namespaces/{@namespace}/rolebindings",
        _ => null,
    };
}
