using System.Net;
using System.Net.Sockets;

namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>
/// Which addresses a kubeconfig that somebody else wrote may lead to. Judged for each connection, on the address that is connected to: a
/// name in a kubeconfig may resolve to anything, and to something else a moment later.
/// </summary>
/// <param name="allowed">Blocks that are allowed although they are special.</param>
public sealed class AddressPolicy(IReadOnlyList<IPNetwork> allowed)
{
    /// <summary>
    /// Addresses that no workload API server has: loopback, link-local (cloud metadata at 169.254.169.254 and fe80::a9fe:a9fe among it),
    /// unspecified, multicast and broadcast. And the metadata services elsewhere: Alibaba, Azure, Oracle (IPv4), AWS (all of its
    /// instance-local services), Google, Oracle and Scaleway (IPv6).
    /// </summary>
    private static readonly IPNetwork[] Special =
    [
        .. new[]
        {
            "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
            "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32",
            "::/128", "::1/128", "fe80::/10", "ff00::/8",
            "fd00:ec2::/32", "fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128", "fd00:42::42/128",
        }.Select(block => IPNetwork.Parse(block)),
    ];

    private static readonly IPNetwork Translated = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork TranslatedLocally = IPNetwork.Parse("64:ff9b:1::/48");
    private static readonly IPNetwork Compatible = IPNetwork.Parse("::/96");
    private static readonly IPNetwork SixToFour = IPNetwork.Parse("2002::/16");

    /// <summary>Whether the address may be connected to.</summary>
    /// <param name="address">An address of either family; one that maps IPv4 into IPv6 counts as the IPv4 address.</param>
    /// <returns>False for a special address that is not allowed.</returns>
    public bool Allows(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var real = Unwrap(address);
        return !Special.Any(block => block.Contains(real)) || allowed.Any(block => block.Contains(real));
    }

    /// <summary>Connects to the first address of a host that answers and may be connected to.</summary>
    /// <exception cref="IOException">None may be.</exception>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var host = context.DnsEndPoint.Host;
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellationToken);
        var usable = addresses.Where(Allows).ToArray();
        if (usable.Length == 0)
            throw new AddressRefusedException();
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(usable, context.DnsEndPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>IPv4 inside IPv6 in the ways that hosts and routers undo: mapped, compatible, the two NAT64 prefixes, 6to4.</summary>
    private static IPAddress Unwrap(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address;
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4();
        var bytes = address.GetAddressBytes();
        if (address.Equals(IPAddress.IPv6Any) || address.Equals(IPAddress.IPv6Loopback))
            return address;
        if (Translated.Contains(address) || TranslatedLocally.Contains(address) || Compatible.Contains(address))
            return new IPAddress(bytes.AsSpan(12));
        return SixToFour.Contains(address) ? new IPAddress(bytes.AsSpan(2, 4)) : address;
    }
}

/// <summary>A host has no address that may be connected to.</summary>
internal sealed class AddressRefusedException() : IOException("The address is special, and not allowed.");
