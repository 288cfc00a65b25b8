using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Outcomes;

/// <summary>
/// Turns faults of API servers into outcomes. The sentences leave out what the server said: they end up in conditions
/// of the Cluster, and a text that changes from call to call makes Cluster API reconcile in a loop.
/// </summary>
internal static class FaultSentences
{
    /// <summary>The remedy where the root CA is lost or another one than clusters trust, as the middle of a sentence.</summary>
    public const string RestoreRoot =
        "restore it from a backup or, after a move, from the former management cluster with \"capi-registry-hook root import\"";

    private const string MissingOnManagement = "install the part of Cluster API that serves it, or create its namespace";
    private const string MissingOnWorkload = "check that its namespace is not being deleted";

    public static RegistryOutcome OfManagement(KubernetesApiException exception) =>
        RegistryOutcome.Unavailable(Describe("management", exception, MissingOnManagement), exception);

    public static RegistryOutcome OfWorkload(KubernetesApiException exception) =>
        RegistryOutcome.Unavailable(Describe("workload", exception, MissingOnWorkload), exception);

    /// <summary>The same for a command, which a person runs once and nothing calls again.</summary>
    public static string OfManagementForCommand(KubernetesApiException exception) =>
        DescribeForCommand("management", exception, MissingOnManagement);

    /// <inheritdoc cref="OfManagementForCommand"/>
    public static string OfWorkloadForCommand(KubernetesApiException exception) =>
        DescribeForCommand("workload", exception, MissingOnWorkload);

    public static RegistryOutcome OfKubeconfig(NamespacedName secret, KubeconfigException exception) => RegistryOutcome.Unavailable(
        $"The kubeconfig in the Secret {secret}, key {SecretKeys.Kubeconfig}, can't be used: {FieldText.Sentence(exception.Message)}",
        exception);

    public static RegistryOutcome NoKubeconfig(NamespacedName secret) => RegistryOutcome.Waiting(
        $"The Secret {secret} with the workload cluster's kubeconfig is not there yet.");

    public static RegistryOutcome OutOfTime(OperationCanceledException exception) => RegistryOutcome.Unavailable(
        "The API servers did not answer in time; the next call tries again.", exception);

    public static string UnusableRoot(NamespacedName root, CertificateException exception) =>
        $"The root CA Secret {root} can't be used: {exception.Message.TrimEnd('.')}; repair the Secret, or {RestoreRoot}.";

    public static RegistryOutcome NotTrustedYet(RegistryPlan plan) => RegistryOutcome.Refused(
        "The server certificate must be issued anew, but the cluster's oldest nodes do not trust the root in the Secret "
            + $"{plan.RootSecret} yet; replace the Machines that are older than that root is in the Secret {plan.TrustSecret}.");

    private static string DescribeForCommand(string side, KubernetesApiException exception, string missingRemedy) => exception.Fault switch
    {
        KubernetesFault.Forbidden =>
            $"The {side} API server forbids a call on {exception.Resource}; use a kubeconfig whose user has the permission.",
        KubernetesFault.Unauthorized => $"The {side} API server does not accept the credentials in the kubeconfig; renew them.",
        KubernetesFault.AddressRefused =>
            $"The {side} API server's address is loopback, link-local or otherwise special, and this program does not connect there; "
                + "correct the kubeconfig, or allow the address.",
        KubernetesFault.Invalid => $"The {side} API server rejects {exception.Resource} as invalid.",
        KubernetesFault.UntrustedServer or KubernetesFault.NotFound => Describe(side, exception, missingRemedy),
        _ => $"The {side} API server can't be used now; try again.",
    };

    private static string Describe(string side, KubernetesApiException exception, string missingRemedy) => exception.Fault switch
    {
        KubernetesFault.Forbidden =>
            $"The {side} API server forbids a call on {exception.Resource}; grant this service the permission, or wait for the end "
                + "of its namespace if that is being deleted.",
        KubernetesFault.Unauthorized => $"The {side} API server does not accept this service's credentials; renew them.",
        KubernetesFault.UntrustedServer =>
            $"The {side} API server shows a certificate that its CA or name does not verify; correct the kubeconfig.",
        KubernetesFault.AddressRefused =>
            $"The {side} API server's address is loopback, link-local or otherwise special, and this service does not connect there; "
                + "correct the kubeconfig, or allow the address.",
        KubernetesFault.NotFound => $"The {side} API server does not find {exception.Resource}; {missingRemedy}.",
        KubernetesFault.Invalid => $"The {side} API server rejects {exception.Resource} as invalid; see this service's log.",
        _ => $"The {side} API server can't be used now; the next call tries again.",
    };
}
