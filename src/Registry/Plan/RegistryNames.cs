using System.Globalization;
using System.Net;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>The fixed names of a registry inside its workload cluster, and every name that its certificate answers to.</summary>
internal static class RegistryNames
{
    /// <summary>The namespace on the workload cluster.</summary>
    public const string Namespace = "registry-system";

    /// <summary>The pull Service, the StatefulSet and the Helm release.</summary>
    public const string Registry = "registry";

    /// <summary>The Service of replica 0.</summary>
    public const string Primary = "registry-primary";

    /// <summary>The Service that gives each replica a DNS name.</summary>
    public const string Headless = "registry-headless";

    /// <summary>The Secret with the server certificate.</summary>
    public const string CertificateSecret = "registry-tls";

    /// <summary>On the registry's pods: the revision of the admin's decisions that they were made from.</summary>
    public const string RevisionAnnotation = "capi-registry-hook.io/release-revision";

    /// <summary>The Secret with a generated login.</summary>
    public const string LoginSecret = "registry-auth";

    /// <summary>The Secret with the key that signs uploads in progress.</summary>
    public const string UploadSecret = "registry-http";

    /// <summary>The Secret with what the registry fetches by itself; the chart calls it like the release.</summary>
    public const string SourcesSecret = "registry-sources";

    /// <summary>The port of the pull and primary Services.</summary>
    public const int Port = 443;

    /// <summary>The port that the pods listen on.</summary>
    public const int ContainerPort = 5000;

    private const string PodPrefix = $"{Registry}-";

    private const string DefaultServiceDomain = "cluster.local";

    /// <summary>A DNS name has at most 253 characters; the longest name of a replica takes 49 of them.</summary>
    private const int LongestDomain = 204;

    private const string DomainField = "spec.clusterNetwork.serviceDomain";

    /// <summary>The pod of a replica, counted from 0.</summary>
    public static NamespacedName Pod(int ordinal) => new(Namespace, $"{PodPrefix}{ordinal}");

    /// <summary>Which replica a pod is; null when it is none. Names come from workload clusters, and go into paths.</summary>
    public static int? OrdinalOf(string pod) => pod.StartsWith(PodPrefix, StringComparison.Ordinal)
        && int.TryParse(pod.AsSpan(PodPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal) ? ordinal : null;

    /// <summary>The DNS domain of Services; a bad one is added to <paramref name="problems"/>.</summary>
    public static string ServiceDomain(Cluster cluster, ICollection<Problem> problems)
    {
        var domain = cluster.Spec?.ClusterNetwork?.ServiceDomain;
        if (string.IsNullOrEmpty(domain))
            return DefaultServiceDomain;
        if (!KubernetesNames.IsSubdomain(domain) || domain.Length > LongestDomain)
            problems.Add(new Problem(DomainField,
                $"The field {DomainField} is {FieldText.Quote(domain)}, which is not a DNS domain of at most {LongestDomain} "
                    + "characters; write it like cluster.local."));
        return domain;
    }

    /// <summary>
    /// The names and addresses of every Service and every replica, loopback and localhost for a port-forward, and the extra names.
    /// </summary>
    public static ServerNames CertificateNames(
        RegistryBasis basis, int replicas, RegistryOptions options, ICollection<Problem> problems)
    {
        var hosts = new[] { Registry, Primary, Headless }
            .Concat(Enumerable.Range(0, replicas).Select(ordinal => $"{PodPrefix}{ordinal}.{Headless}"));
        var dnsNames = hosts.SelectMany(host => Forms(host, basis.ServiceDomain)).ToList();
        dnsNames.Add("localhost");
        var ipAddresses = basis.Addresses.All.Concat([IPAddress.Loopback, IPAddress.IPv6Loopback]).ToList();
        AddExtraNames(basis, options, dnsNames, ipAddresses, problems);
        return problems.Count > 0 ? ServerNames.Create([], [IPAddress.Loopback]) : ServerNames.Create(dnsNames, ipAddresses);
    }

    private static void AddExtraNames(
        RegistryBasis basis, RegistryOptions options, List<string> dnsNames, List<IPAddress> addresses, ICollection<Problem> problems)
    {
        var nodeField = $"{options.Variable.Field}.certificate.nodeAddresses";
        if (basis.Settings.NamesNodes && options.AllowedExtraNetworks.Count == 0)
            problems.Add(new Problem(nodeField,
                $"The variable {nodeField} is true, but no addresses of nodes are allowed in certificates; ask the admin to allow their "
                    + "networks (--extra-names-allow-cidrs), or leave it out."));
        var rules = new ExtraNameRules(basis, options);
        for (var index = 0; index < basis.Settings.ExtraNames.Count; index++)
        {
            var name = basis.Settings.ExtraNames[index];
            var field = $"{options.Variable.Field}.certificate.extraNames[{index}]";
            string? obstacle;
            if (ServiceRange.TryParseAddress(name, out var address) && ServerNames.IsUsable(address))
            {
                obstacle = rules.ObstacleTo(address);
                addresses.Add(address);
            }
            else if (IsDnsName(name))
            {
                obstacle = rules.ObstacleTo(name);
                dnsNames.Add(name);
            }
            else
            {
                obstacle = "which is neither a DNS name nor an IP address; write it like registry.example.com or 10.96.0.30";
            }

            if (obstacle is not null)
                problems.Add(new Problem(field, $"The variable {field} is {FieldText.Quote(name)}, {obstacle}."));
        }
    }

    private static bool IsDnsName(string name) => ServerNames.IsUsable(name)
        && KubernetesNames.IsSubdomain(name.StartsWith("*.", StringComparison.Ordinal) ? name[2..] : name);

    private static IEnumerable<string> Forms(string host, string serviceDomain) =>
        [host, $"{host}.{Namespace}", $"{host}.{Namespace}.svc", $"{host}.{Namespace}.svc.{serviceDomain}"];
}
