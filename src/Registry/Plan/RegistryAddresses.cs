using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>The fixed Service addresses of a registry, one per address family, in the order of the cluster's CIDR blocks.</summary>
/// <param name="Pull">The balanced Service of all replicas.</param>
/// <param name="Primary">The Service of replica 0: pushes, and the second mirror.</param>
internal sealed record RegistryAddresses(IReadOnlyList<IPAddress> Pull, IReadOnlyList<IPAddress> Primary)
{
    private const string RangesField = "spec.clusterNetwork.services.cidrBlocks";
    /// <summary>Where the chart's values hold the addresses.</summary>
    private const string PullValues = "service.clusterIPs";
    private const string PrimaryValues = "primaryService.clusterIPs";

    private const int PullIndex = 20;
    private const int PrimaryIndex = 21;

    /// <summary>What kubeadm gives a cluster whose spec names no CIDR block.</summary>
    private const string DefaultRange = "10.96.0.0/12";

    public IEnumerable<IPAddress> All => Pull.Concat(Primary);

    /// <summary>Computes the addresses; what is wrong is added to <paramref name="problems"/>.</summary>
    public static RegistryAddresses Compute(Cluster cluster, RegistrySettings settings, string settingsField, ICollection<Problem> problems)
    {
        var ranges = ReadRanges(cluster, problems);
        var pullField = $"{settingsField}.addresses.pull";
        var primaryField = $"{settingsField}.addresses.primary";
        var pull = Choose(ranges, ReadOverrides(settings.PullAddresses, pullField, ranges, problems), PullIndex, pullField, problems);
        var primary = Choose(
            ranges, ReadOverrides(settings.PrimaryAddresses, primaryField, ranges, problems), PrimaryIndex, primaryField, problems);
        foreach (var address in pull.Intersect(primary))
            problems.Add(new Problem(
                primaryField, $"The variable {primaryField} and {pullField} both come to {address}; give each Service its own address."));
        return new RegistryAddresses(pull, primary);
    }

    /// <summary>The addresses in a chart's values.</summary>
    /// <param name="values">The values that a registry was installed with; null when it is not installed.</param>
    /// <param name="cluster">The Cluster.</param>
    /// <returns>Null when they don't say, or name an address outside of the cluster's service CIDRs: then somebody edited them.</returns>
    public static RegistryAddresses? Read(JsonObject? values, Cluster cluster)
    {
        if (values is null)
            return null;
        var ranges = ReadRanges(cluster, []);
        var (pull, primary) = (Read(values, PullValues, ranges), Read(values, PrimaryValues, ranges));
        return pull is null || primary is null || pull.Intersect(primary).Any() ? null : new RegistryAddresses(pull, primary);
    }

    public bool IsSame(RegistryAddresses other) => Pull.SequenceEqual(other.Pull) && Primary.SequenceEqual(other.Primary);

    /// <summary>
    /// A range whose static band does not reach index 21 may hand the addresses out before the registry is installed.
    /// Kubernetes keeps the first min(max(16, size/16), 256) addresses for static use (KEP-3070).
    /// </summary>
    public static IEnumerable<string> Warnings(Cluster cluster) =>
        RangesOf(cluster)
            .Where(range => range.Family == AddressFamily.InterNetwork && range.PrefixLength > 23)
            .Select(range =>
                $"Service CIDR {range} is smaller than a /23: Kubernetes may hand out the addresses at index 20 and 21 to other Services.");

    /// <summary>The cluster's service CIDRs; those that can't be read are left out.</summary>
    public static List<ServiceRange> RangesOf(Cluster cluster) => ReadRanges(cluster, []);

    private static List<IPAddress>? Read(JsonObject values, string path, List<ServiceRange> ranges)
    {
        var addresses = new List<IPAddress>();
        foreach (var item in HelmValues.Find(values, path) as JsonArray ?? [])
        {
            if (item is not JsonValue value || !value.TryGetValue<string>(out var text)
                || !ServiceRange.TryParseAddress(text, out var address)
                || !ranges.Exists(range => range.Contains(address) && range.IsUsable(range.IndexOf(address)))
                || addresses.Exists(other => other.AddressFamily == address.AddressFamily))
                return null;
            addresses.Add(address);
        }

        return addresses.Count > 0 ? addresses : null;
    }

    private static List<ServiceRange> ReadRanges(Cluster cluster, ICollection<Problem> problems)
    {
        var blocks = cluster.Spec?.ClusterNetwork?.Services?.CidrBlocks;
        if (blocks is null or { Count: 0 })
            blocks = [DefaultRange];

        var ranges = new List<ServiceRange>();
        for (var index = 0; index < blocks.Count; index++)
        {
            if (ServiceRange.TryParse(blocks[index], out var range))
                ranges.Add(range);
            else
                problems.Add(new Problem($"{RangesField}[{index}]",
                    $"The field {RangesField}[{index}] is {FieldText.Quote(blocks[index])}, which is not a CIDR block; "
                        + "write it like 10.96.0.0/12 or fd00:10:96::/112."));
        }

        if (ranges.Count > 2 || ranges.DistinctBy(range => range.Family).Count() < ranges.Count)
            problems.Add(new Problem(RangesField,
                $"The field {RangesField} holds more than one block of a family; give one block, or one IPv4 and one IPv6 block."));
        return [.. ranges.DistinctBy(range => range.Family)];
    }

    private static List<IPAddress> ReadOverrides(
        IReadOnlyList<string> texts, string field, List<ServiceRange> ranges, ICollection<Problem> problems)
    {
        var addresses = new List<IPAddress>();
        if (ranges.Count == 0)
            return addresses;
        for (var index = 0; index < texts.Count; index++)
        {
            var place = $"{field}[{index}]";
            if (!ServiceRange.TryParseAddress(texts[index], out var address))
                problems.Add(
                    new Problem(
                        place, $"The variable {place} is {FieldText.Quote(texts[index])}, which is not an IP address; "
                            + "write it like 10.96.0.20 or fd00:10:96::14."));
            else if (ranges.Find(range => range.Contains(address)) is not { } range)
                problems.Add(
                    new Problem(
                        place, $"The variable {place} is {address}, which lies in no service CIDR ({string.Join(", ", ranges)}); "
                            + "choose an address inside."));
            else if (!range.IsUsable(range.IndexOf(address)) || range.IndexOf(address).IsOne)
                problems.Add(new Problem(
                    place, $"The variable {place} is {address}, which Kubernetes keeps for itself in {range}; choose another address."));
            else if (addresses.Exists(other => other.AddressFamily == address.AddressFamily))
                problems.Add(new Problem(place, $"The variable {place} is the second address of its family; give one per family."));
            else
                addresses.Add(address);
        }

        return addresses;
    }

    private static List<IPAddress> Choose(
        List<ServiceRange> ranges, List<IPAddress> overrides, int index, string field, ICollection<Problem> problems)
    {
        var chosen = new List<IPAddress>();
        foreach (var range in ranges)
        {
            if ((overrides.Find(address => address.AddressFamily == range.Family) ?? range.AddressAt(index)) is { } address)
                chosen.Add(address);
            else
                problems.Add(
                    new Problem(
                        RangesField,
                        $"The field {RangesField} holds {range}, which has no address at index {index}; use a larger range (/27 or "
                            + $"/123 at least) or set the variable {field}."));
        }

        return chosen;
    }
}
