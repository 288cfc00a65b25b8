using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Numerics;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>A CIDR block that Services get their addresses from. Host bits are masked away, as kube-apiserver does.</summary>
internal sealed class ServiceRange
{
    private readonly BigInteger _first;
    private readonly int _bits;

    private ServiceRange(BigInteger first, int bits, int prefixLength)
    {
        this._first = first;
        this._bits = bits;
        PrefixLength = prefixLength;
    }

    public AddressFamily Family => _bits == 32 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;

    public int PrefixLength { get; }

    private BigInteger Size => BigInteger.One << (_bits - PrefixLength);

    public static bool TryParse(string? text, [NotNullWhen(true)] out ServiceRange? range)
    {
        range = null;
        var slash = text?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        if (slash < 0 || !TryParseAddress(text![..slash], out var address)
            || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var prefixLength))
            return false;

        var bits = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        if (prefixLength > bits)
            return false;

        var number = ToNumber(address);
        range = new ServiceRange(number >> (bits - prefixLength) << (bits - prefixLength), bits, prefixLength);
        return true;
    }

    /// <summary>Reads an address the strict way: four decimal octets or plain IPv6, no zone, no shorthand like "10.1".</summary>
    public static bool TryParseAddress(string? text, [NotNullWhen(true)] out IPAddress? address) =>
        IPAddress.TryParse(text, out address) && !text!.Contains('%', StringComparison.Ordinal)
        && !text.Contains('[', StringComparison.Ordinal) && !address.IsIPv4MappedToIPv6
        && (address.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == text);

    /// <summary>The address at <paramref name="index"/>, counted from the network address as 0.</summary>
    public IPAddress? AddressAt(int index) => IsUsable(index) ? ToAddress(_first + index) : null;

    public bool Contains(IPAddress address)
    {
        if (address.AddressFamily != Family)
            return false;
        var index = ToNumber(address) - _first;
        return index.Sign >= 0 && index < Size;
    }

    /// <summary>The index of an address of this range.</summary>
    public BigInteger IndexOf(IPAddress address) => ToNumber(address) - _first;

    /// <summary>kube-apiserver never hands out the network address and, for IPv4, the broadcast address.</summary>
    public bool IsUsable(BigInteger index) => index > 0 && index < Size - (Family == AddressFamily.InterNetwork ? 1 : 0);

    public override string ToString() => $"{ToAddress(_first)}/{PrefixLength}";

    private static BigInteger ToNumber(IPAddress address) => new(address.GetAddressBytes(), isUnsigned: true, isBigEndian: true);

    private IPAddress ToAddress(BigInteger number)
    {
        var bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        var padded = new byte[_bits / 8];
        bytes.CopyTo(padded, padded.Length - bytes.Length);
        return new IPAddress(padded);
    }
}
