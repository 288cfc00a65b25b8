using System.Net;
using System.Net.Sockets;

namespace CapiRegistryHook.Certificates;

/// <summary>
/// What a server certificate is valid for, normalised so that equal sets are equal values: DNS names in lower case and ordinal order, IPv4
/// addresses before IPv6 ones and each by its bytes, IPv4-mapped IPv6 addresses as IPv4, nothing twice.
/// </summary>
public sealed class ServerNames : IEquatable<ServerNames>
{
    private ServerNames(IEnumerable<string> dnsNames, IEnumerable<IPAddress> addresses)
    {
        DnsNames = Array.AsReadOnly(
            [.. dnsNames.Select(name => name.ToLowerInvariant()).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]);
        Addresses = Array.AsReadOnly([.. addresses
            .Select(address => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)
            .Distinct()
            .OrderBy(address => address.AddressFamily == AddressFamily.InterNetwork ? 0 : 1)
            .ThenBy(address => Convert.ToHexString(address.GetAddressBytes()), StringComparer.Ordinal)]);
    }

    /// <summary>No names at all, as in a root certificate.</summary>
    public static ServerNames None { get; } = new([], []);

    /// <summary>The DNS names: lower case, distinct, in ordinal order.</summary>
    public IReadOnlyList<string> DnsNames { get; }

    /// <summary>The IP addresses: distinct, IPv4 first.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; }

    internal bool IsEmpty => DnsNames.Count == 0 && Addresses.Count == 0;

    /// <summary>
    /// Checks and normalises names. A DNS name is 1 to 253 characters of DNS-1123 labels of at most 63 characters (an internationalised
    /// name in its <c>xn--</c> form), without a final dot, and its first label may be <c>*</c> when another follows. An address has no
    /// scope and is not the unspecified one.
    /// </summary>
    /// <exception cref="ArgumentException">A name or address can't be used in a server certificate; the message names it.</exception>
    public static ServerNames Create(IEnumerable<string> dnsNames, IEnumerable<IPAddress> addresses)
    {
        ArgumentNullException.ThrowIfNull(dnsNames);
        ArgumentNullException.ThrowIfNull(addresses);
        return new ServerNames(dnsNames.Select(Checked), addresses.Select(Checked));
    }

    /// <summary>Whether <see cref="Create"/> takes the DNS name.</summary>
    public static bool IsUsable(string? dnsName) => ServerNameRules.Fault(dnsName) is null;

    /// <summary>Whether <see cref="Create"/> takes the address.</summary>
    public static bool IsUsable(IPAddress? address) => ServerNameRules.Fault(address) is null;

    /// <summary>Whether both hold the same names and addresses.</summary>
    public bool Equals(ServerNames? other) =>
        other is not null && DnsNames.SequenceEqual(other.DnsNames, StringComparer.Ordinal) && Addresses.SequenceEqual(other.Addresses);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ServerNames);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var name in DnsNames) hash.Add(name, StringComparer.Ordinal);
        foreach (var address in Addresses) hash.Add(address);
        return hash.ToHashCode();
    }

    /// <summary>The DNS names and then the addresses, separated by commas.</summary>
    public override string ToString() => string.Join(", ", DnsNames.Concat(Addresses.Select(address => address.ToString())));

    /// <summary>
    /// Takes the names of a certificate from any issuer as they are, to compare and show them.
    /// </summary>
    internal static ServerNames FromCertificate(IEnumerable<string> dnsNames, IEnumerable<IPAddress> addresses) => new(dnsNames, addresses);

    private static string Checked(string? name) =>
        ServerNameRules.Fault(name) is { } fault
            ? throw new ArgumentException($"The DNS name '{Shown(name)}' can't be used in a certificate: {fault}.") : name!;

    private static IPAddress Checked(IPAddress? address) =>
        ServerNameRules.Fault(address) is { } fault
            ? throw new ArgumentException($"The address '{address}' can't be used in a certificate: {fault}.") : address!;

    /// <summary>The text goes into conditions and logs, so what a user typed is cut and control characters are left out.</summary>
    private static string Shown(string? name) => new([.. (name ?? "").Where(character => !char.IsControl(character)).Take(80)]);
}
