using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.Registry.Clients;

/// <summary>What a client has to know of a cluster's registry. It comes from the management cluster alone.</summary>
/// <param name="Cluster">The Cluster that it belongs to.</param>
/// <param name="TrustPem">The authorities that its nodes trust, as PEM.</param>
/// <param name="Upstreams">The hosts whose images nodes look for below the host's name, as in mirror mode <c>perUpstream</c>; null when
/// nodes look
/// for all images by their path alone.</param>
public sealed record ClusterRegistry(ClusterKey Cluster, string TrustPem, IReadOnlyList<string>? Upstreams)
{
    /// <summary>The Secret beside the Cluster with the login that the service made for the registry; null when it makes none.</summary>
    public NamespacedName? LoginSecret { get; init; }

    /// <summary>The most replicas that a registry has.</summary>
    public const int MostReplicas = 9;

    /// <summary>The port that the pods listen on.</summary>
    public const int PodPort = RegistryNames.ContainerPort;

    /// <summary>A name that the certificate of every replica has.</summary>
    public const string ServerName = ServedCertificateProbe.ServerName;

    /// <summary>The StatefulSet on the workload cluster.</summary>
    public static NamespacedName StatefulSet { get; } = new(RegistryNames.Namespace, RegistryNames.Registry);

    /// <summary>The Service on the workload cluster that leads to where clients push.</summary>
    public static NamespacedName PrimaryService { get; } = new(RegistryNames.Namespace, RegistryNames.Primary);

    /// <summary>The Service on the workload cluster that nodes pull from.</summary>
    public static NamespacedName PullService { get; } = new(RegistryNames.Namespace, RegistryNames.Registry);

    /// <summary>The pod of a replica, counted from 0.</summary>
    public static NamespacedName Pod(int ordinal) => RegistryNames.Pod(ordinal);

    /// <summary>Which replica a pod is, counted from 0; null when it is none.</summary>
    public static int? OrdinalOf(string pod) => RegistryNames.OrdinalOf(pod);
}

/// <summary>A cluster's registry can't be used as a client uses it; the message is one sentence that names the cluster.</summary>
/// <param name="message">The sentence.</param>
/// <param name="cause">What happened below; null when nothing failed.</param>
public sealed class ClusterRegistryException(string message, Exception? cause = null) : Exception(message, cause);
