using System.Net;
using System.Net.Sockets;

namespace CapiRegistryHook.Certificates;

/// <summary>The rules for subject alternative names. Each returns null, or half a sentence that says what is wrong.</summary>
internal static class ServerNameRules
{
    private const int LongestName = 253;
    private const int LongestLabel = 63;
    private static readonly IPAddress MappedAny = IPAddress.Any.MapToIPv6();

    public static string? Fault(string? name)
    {
        if (string.IsNullOrEmpty(name)) return "it is empty";
        if (name.Length > LongestName) return "it is longer than 253 characters";
        if (!name.All(char.IsAscii)) return "an internationalised name must be given in its xn-- form";
        if (name.EndsWith('.')) return "leave out the final dot, since clients compare without it";
        var labels = name.Split('.');
        if (IsAddress(name, labels)) return "it is an IP address, and clients expect those among the addresses";
        var first = labels[0] == "*" && labels.Length > 1 ? 1 : 0;
        return labels.Skip(first).Select(LabelFault).FirstOrDefault(fault => fault is not null);
    }

    public static string? Fault(IPAddress? address) => address switch
    {
        null => "it is missing",
        { AddressFamily: AddressFamily.InterNetworkV6, ScopeId: not 0 } => "an address with a scope is valid only on its own link",
        _ when address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) || address.Equals(MappedAny) =>
            "it is the unspecified address",
        _ => null,
    };

    private static string? LabelFault(string label) => label switch
    {
        "" => "it has an empty label",
        { Length: > LongestLabel } => "it has a label longer than 63 characters",
        ['-', ..] or [.., '-'] => "a label begins or ends with a hyphen",
        _ when !label.All(character => char.IsAsciiLetterOrDigit(character) || character == '-') =>
            "a label contains other characters than letters, digits and hyphens (a * may only be the whole first label)",
        _ => null,
    };

    /// <summary>
    /// Four numbers. A name like <c>registry.123</c> is a Service in the namespace 123 and fine; colons fall to the label rule.
    /// </summary>
    private static bool IsAddress(string name, string[] labels) => labels.Length == 4 && IPAddress.TryParse(name, out _);
}
