using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness;

/// <summary>Gives the service on a real management cluster exactly the rights that docs/examples/install.yaml gives it.</summary>
public static class InstalledAccess
{
    private static readonly Dictionary<string, string> Collections = new()
    {
        ["ServiceAccount"] = $"/api/v1/namespaces/{HookService.Namespace}/serviceaccounts",
        ["ClusterRole"] = "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        ["ClusterRoleBinding"] = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    };

    /// <summary>Creates the service account and its role, and returns a kubeconfig with the account's token.</summary>
    public static async Task<string> GrantAsync(Stage stage, CancellationToken cancellationToken)
    {
        using var manifest = File.OpenText(Path.Combine(RepositoryRoot.Find(), "docs", "examples", "install.yaml"));
        foreach (var document in YamlJson.ReadAll(manifest))
        {
            if (!Collections.TryGetValue((string)document["kind"]!, out var collection))
                continue;
            await stage.ManagementObjects.DeleteIfThereAsync(collection, (string)document["metadata"]!["name"]!, cancellationToken);
            await stage.ManagementObjects.CreateAsync(collection, document, cancellationToken);
        }

        var request = new JsonObject { ["apiVersion"] = "authentication.k8s.io/v1", ["kind"] = "TokenRequest", ["spec"] = new JsonObject() };
        var token = await stage.ManagementObjects.CreateAsync($"{Collections["ServiceAccount"]}/capi-registry-hook/token", request, cancellationToken);
        return KubeconfigText.Write("installed", stage.Management.Address, stage.Management.CertificateAuthorityPem, (string)token["status"]!["token"]!);
    }
}
