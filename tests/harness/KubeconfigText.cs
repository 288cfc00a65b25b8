using System.Text;

namespace CapiRegistryHook.Harness;

/// <summary>Writes a kubeconfig that carries everything inside itself, as Cluster API puts it into a cluster's Secret.</summary>
internal static class KubeconfigText
{
    /// <summary>One cluster, one user, one current context, all called <paramref name="name"/>.</summary>
    public static string Write(string name, Uri server, string caPem, string token, string? contextNamespace = null)
    {
        var text = new StringBuilder();
        text.Append("apiVersion: v1\nkind: Config\n");
        text.Append($"clusters:\n- name: {Quote(name)}\n  cluster:\n");
        text.Append($"    server: {Quote(server.GetLeftPart(UriPartial.Authority))}\n");
        text.Append($"    certificate-authority-data: {Convert.ToBase64String(Encoding.ASCII.GetBytes(caPem))}\n");
        text.Append($"users:\n- name: {Quote(name)}\n  user:\n    token: {Quote(token)}\n");
        text.Append($"contexts:\n- name: {Quote(name)}\n  context:\n    cluster: {Quote(name)}\n    user: {Quote(name)}\n");
        if (contextNamespace is not null)
            text.Append($"    namespace: {Quote(contextNamespace)}\n");

        text.Append($"current-context: {Quote(name)}\n");
        return text.ToString();
    }

    // Single quotes take every character but themselves as it is.
    private static string Quote(string value) => $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";
}
