using System.Net;
using System.Text;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Unit.Tests.Fuzz;

/// <summary>CIDR blocks and what is counted in them.</summary>
public class AddressFuzzTests(ITestOutputHelper output) : FuzzTests(output)
{
    private static readonly string[] Parts =
    [
        "/", "0", "00", "255", "256", "::", ":", ".", "%eth0", "[", "]", "/0", "/32", "/33", "/128", "/129", "/-1", "/+8", "ffff", "0x",
        "１", " ", "\0", "::ffff:", "4294967295",
    ];

    private static readonly byte[][] Seeds =
        [.. new[] { "10.96.0.0/12", "192.168.7.9/24", "0.0.0.0/0", "10.0.0.1/32", "fd00:10:96::/112", "::/0", "2001:db8::1/64" }.Select(
            Encoding.ASCII.GetBytes)];

    [Fact]
    public void ServiceRange_AnyText_IsARangeThatHoldsItsAddressesOrNone() =>
        Run(new Fuzzer("addresses", Seeds, Parts), 40_000, bytes => IsRange(Encoding.UTF8.GetString(bytes)));

    private static bool IsRange(string text)
    {
        if (!ServiceRange.TryParse(text, out var range))
            return false;
        Assert.True(ServiceRange.TryParse(range.ToString(), out var again));
        Assert.Equal(range.ToString(), again.ToString());
        foreach (var index in new[] { 0, 1, 20, 21, int.MaxValue })
        {
            if (range.AddressAt(index) is not { } address)
                continue;
            Assert.True(range.Contains(address));
            Assert.Equal(index, (int)range.IndexOf(address));
            Assert.True(ServiceRange.TryParseAddress(address.ToString(), out var parsed) || IsMapped(address));
            Assert.True(parsed is null || parsed.Equals(address));
        }

        return true;
    }

    /// <summary>Such an address has two spellings, and is not taken as one of a Service.</summary>
    private static bool IsMapped(IPAddress address) => address.IsIPv4MappedToIPv6;
}
