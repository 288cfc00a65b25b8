using System.Text;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Harness.Cluster;

/// <summary>The current cluster of a kubeconfig file: where it is and what its certificate is verified against.</summary>
/// <param name="Server">The API server.</param>
/// <param name="CertificateAuthorityPem">The root.</param>
/// <param name="Token">The current user's bearer token; null when it has another way in.</param>
internal sealed record ClusterAccess(Uri Server, string CertificateAuthorityPem, string? Token)
{
    /// <summary>
    /// Reads a kubeconfig as kubectl prints it with <c>config view --raw --flatten --minify</c>: one cluster, data inside.
    /// </summary>
    public static ClusterAccess Read(string kubeconfig)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(kubeconfig));
        var root = yaml.Documents[0].RootNode;
        var cluster = root["clusters"][0]["cluster"];
        var authority = Convert.FromBase64String((string)cluster["certificate-authority-data"]!);
        var user = (YamlMappingNode)root["users"][0]["user"];
        var token = user.Children.TryGetValue("token", out var value) ? (string?)value : null;
        return new ClusterAccess(new Uri((string)cluster["server"]!), Encoding.ASCII.GetString(authority), token);
    }

    /// <summary>
    /// Reads the current context of any kubeconfig file, and gives us a token where it has another way in: our clients know tokens only.
    /// </summary>
    public static async Task<ClusterAccess> OfFileAsync(string file, CancellationToken cancellationToken)
    {
        var kubectl = new Kubectl(file);
        var flat = await kubectl.RunAsync(cancellationToken, "config", "view", "--raw", "--flatten", "--minify");
        var access = Read(flat.OutputOfSuccess());
        return access.Token is null ? access with { Token = await CreateTokenAsync(kubectl, cancellationToken) } : access;
    }

    private static async Task<string> CreateTokenAsync(Kubectl kubectl, CancellationToken cancellationToken)
    {
        await kubectl.ApplyAsync(AdminAccount, cancellationToken);
        var token = await kubectl.RunAsync(
            cancellationToken, "create", "token", "capi-registry-hook-tests", "--namespace=kube-system", "--duration=12h");
        return token.OutputOfSuccess().Trim();
    }

    private const string AdminAccount = """
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: capi-registry-hook-tests, namespace: kube-system}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: capi-registry-hook-tests}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
        subjects: [{kind: ServiceAccount, name: capi-registry-hook-tests, namespace: kube-system}]
        """;
}
