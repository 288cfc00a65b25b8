using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>
/// What a Cluster alone says about its registry, without the admin's values for the chart: enough for its nodes. What lies on nodes must
/// not change when an admin changes a default.
/// </summary>
internal sealed record RegistryBasis(Cluster Cluster, RegistrySettings Settings, RegistryAddresses Addresses, string ServiceDomain)
{
    /// <summary>The key of an authority in a Secret.</summary>
    public const string AuthorityKey = "ca.crt";

    /// <summary>
    /// The key of a login for nodes in a Secret, <c>user:password</c>. A name that no other Secret has: whoever may edit a Cluster can have
    /// its nodes read this key of any Secret beside it.
    /// </summary>
    public const string MirrorLoginKey = "mirrorLogin";

    /// <summary>The Secret with the generated login, beside the Cluster.</summary>
    public static NamespacedName LoginSecret(Cluster cluster) => LoginSecret(cluster.Name);

    public static NamespacedName LoginSecret(NamespacedName cluster) => new(cluster.Namespace, $"{cluster.Name}-registry-addon-login");

    /// <summary>The Secret with the trust bundle, beside the Cluster: <c>ca.crt</c> only.</summary>
    public static NamespacedName TrustSecret(Cluster cluster) => TrustSecret(cluster.Name);

    public static NamespacedName TrustSecret(NamespacedName cluster) => new(cluster.Namespace, $"{cluster.Name}-registry-addon-ca");

    /// <summary>Null when the Cluster asks for no registry. What a user must change is added to <paramref name="problems"/>.</summary>
    public static RegistryBasis? Find(Cluster cluster, RegistryOptions options, List<Problem> problems)
    {
        if (RegistrySettings.Find(cluster, options.Variable, problems) is not { } settings)
            return null;
        CheckCluster(cluster, problems);
        var addresses = RegistryAddresses.Compute(cluster, settings, options.Variable.Field, problems);
        return new RegistryBasis(cluster, settings, addresses, RegistryNames.ServiceDomain(cluster, problems));
    }

    /// <summary>The name goes into a label, which holds 63 characters; the uid goes into owner references.</summary>
    private static void CheckCluster(Cluster cluster, List<Problem> problems)
    {
        if (!KubernetesNames.IsSubdomain(cluster.Name.Name) || cluster.Name.Name.Length > 63)
            problems.Add(
                new Problem(
                    "metadata.name",
                    $"The field metadata.name is {FieldText.Quote(cluster.Name.Name)}; a Cluster with a registry needs a name of at "
                        + "most 63 lower-case letters, digits, '-' and '.'."));
        if (!KubernetesNames.IsLabel(cluster.Name.Namespace))
            problems.Add(new Problem("metadata.namespace",
                $"The field metadata.namespace is {FieldText.Quote(cluster.Name.Namespace)}, which is not a valid namespace name."));
        if (string.IsNullOrEmpty(cluster.Metadata.Uid))
            problems.Add(new Problem("metadata.uid",
                "The field metadata.uid is empty; only a Cluster that exists in the management cluster can own a registry."));
    }
}
