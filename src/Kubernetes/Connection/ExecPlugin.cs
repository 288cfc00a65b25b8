namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>A program that prints a credential, as a kubeconfig's <c>exec</c> describes it.
/// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins</summary>
/// <param name="ApiVersion">client.authentication.k8s.io/v1 or v1beta1.</param>
/// <param name="Command">The program: a path, or a name that is looked up in PATH.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Environment">Variables on top of this process's own.</param>
/// <param name="ExecInfo">The value of KUBERNETES_EXEC_INFO.</param>
internal sealed record ExecPlugin(
    string ApiVersion, string Command, IReadOnlyList<string> Arguments, IReadOnlyList<KeyValuePair<string, string>> Environment,
    string ExecInfo)
{
    public const string V1 = "client.authentication.k8s.io/v1";
    public const string V1Beta1 = "client.authentication.k8s.io/v1beta1";

    /// <summary>The program alone: arguments and variables may hold secrets.</summary>
    public override string ToString() => $"exec plugin {Command}";
}
