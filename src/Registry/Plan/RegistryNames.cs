using System.Net;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Settings;
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

    /// <summary>The port of the pull and primary Services.</summary>
    public const int Port = 443;

    /// <summary>The port that the pods listen on.</summary>
    public const int ContainerPort = 5000;

    private const string DefaultServiceDomain = "cluster.local";
    /// <summary>A DNS name has at most 253 characters; the longest name of a replica takes 49 of them.</summary>
    private const int LongestDomain = 204;

    private const string DomainField = "spec.clusterNetwork.serviceDomain";

    /// <summary>The DNS domain of Services; a bad one is added to <paramref name="problems"/>.</summary>
    public static string ServiceDomain(Cluster cluster, ICollection<Problem> problems)
    {
        var domain = cluster.Spec?.ClusterNetwork?.ServiceDomain;
        if (string.IsNullOrEmpty(domain))
            return DefaultServiceDomain;
        if (!KubernetesNames.IsSubdomain(domain) || domain.Length > LongestDomain)
            problems.Add(new Problem(DomainField,
                $"The field {DomainField} is {FieldText.Quote(domain)}, which is no DNS domain of at most {LongestDomain} "
                    + "characters; write it like cluster.local."));
        return domain;
    }

    /// <summary>The names and addresses of every Service and every replica, loopback for a port-forward, and the extra names.</summary>
    public static ServerNames CertificateNames(
        RegistryAddresses addresses, int replicas, string serviceDomain, RegistrySettings settings, string settingsField,
        ICollection<Problem> problems)
    {
        var hosts = new[] { Registry, Primary, Headless }
            .Concat(Enumerable.Range(0, replicas).Select(ordinal => $"{Registry}-{ordinal}.{Headless}"));
        var dnsNames = hosts.SelectMany(host => Forms(host, serviceDomain)).ToList();
        var ipAddresses = addresses.All.Concat([IPAddress.Loopback, IPAddress.IPv6Loopback]).ToList();
        for (var index = 0; index < settings.ExtraNames.Count; index++)
        {
            var name = settings.ExtraNames[index];
            if (ServiceRange.TryParseAddress(name, out var address) && ServerNames.IsUsable(address))
                ipAddresses.Add(address);
            else if (ServerNames.IsUsable(name)
                && KubernetesNames.IsSubdomain(name.StartsWith("*.", StringComparison.Ordinal) ? name[2..] : name))
                dnsNames.Add(name);
            else
                problems.Add(new Problem($"{settingsField}.certificate.extraNames[{index}]",
                    $"The variable {settingsField}.certificate.extraNames[{index}] is {FieldText.Quote(name)}, which is neither a "
                        + "DNS name nor an IP address; write it like registry.example.com or 192.0.2.10."));
        }

        return problems.Count > 0 ? ServerNames.Create([], [IPAddress.Loopback]) : ServerNames.Create(dnsNames, ipAddresses);
    }

    private static IEnumerable<string> Forms(string host, string serviceDomain) =>
        [host, $"{host}.{Namespace}", $"{host}.{Namespace}.svc", $"{host}.{Namespace}.svc.{serviceDomain}"];
}
