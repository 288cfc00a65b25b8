using System.Net;
using CapiRegistryHook.Kubernetes.Connection;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>
/// Which names a user may add to a server certificate. One root signs for all clusters, so a certificate is accepted in each of them: a
/// name of somebody else's service would let its owner imitate that service everywhere. Each rule answers null, or the end of a sentence.
/// </summary>
internal sealed class ExtraNameRules(RegistryBasis basis, RegistryOptions options)
{
    private const string DefaultDomain = "cluster.local";

    /// <summary>Loopback, link-local, metadata and other addresses that mean another machine to each who uses them.</summary>
    private static readonly AddressPolicy Ordinary = new([]);

    public string? ObstacleTo(IPAddress address)
    {
        if (!Ordinary.Allows(address))
            return "which is loopback, link-local or otherwise special; leave it out";
        if (RegistryAddresses.RangesOf(basis.Cluster).Find(range => range.Contains(address)) is { } range)
            return range.IndexOf(address).IsOne ? "which is the address of the Service kubernetes; leave it out" : null;
        return options.AllowedExtraNetworks.Any(block => block.Contains(address))
            ? null
            : $"which is outside the cluster's service CIDRs ({string.Join(", ", RegistryAddresses.RangesOf(basis.Cluster))}); use an "
                + "address inside, or ask the admin to allow it (--extra-names-allow-cidrs)";
    }

    public string? ObstacleTo(string dnsName)
    {
        var host = dnsName.ToLowerInvariant();
        var isWildcard = host.StartsWith("*.", StringComparison.Ordinal);
        host = isWildcard ? host[2..] : host;
        string[] domains = [basis.ServiceDomain.ToLowerInvariant(), DefaultDomain];
        if (IsRegistrys(host, domains[0]))
            return null;
        if (host is "kubernetes" || IsUnder(host, "svc") || domains.Any(domain => IsUnder(host, domain)) || EndsWithNamespace(host))
            return $"which is, or may be, a Service outside the namespace {RegistryNames.Namespace}; leave it out";
        if (IsUnder(host, "localhost") || IsUnder(host, "localdomain"))
            return "which every machine takes for itself; leave it out";
        return isWildcard && !host.Contains('.', StringComparison.Ordinal)
            ? "which stands for a whole top-level domain; name the hosts, or a domain of your own" : null;
    }

    private static bool IsRegistrys(string host, string domain) =>
        IsUnder(host, RegistryNames.Namespace) || IsUnder(host, $"{RegistryNames.Namespace}.svc")
        || IsUnder(host, $"{RegistryNames.Namespace}.svc.{domain}");

    /// <summary>The short form service.namespace of namespaces that matter; other short forms look like any domain.</summary>
    private bool EndsWithNamespace(string host) =>
        IsUnder(host, "default") || IsUnder(host, "kube-system") || IsUnder(host, options.HookNamespace);

    private static bool IsUnder(string host, string domain) =>
        host == domain || host.EndsWith($".{domain}", StringComparison.Ordinal);
}
