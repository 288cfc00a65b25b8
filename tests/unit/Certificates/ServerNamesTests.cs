using System.Net;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

public sealed class ServerNamesTests
{
    [Fact]
    public void Create_AnyOrderCaseAndRepetition_IsTheSameValue()
    {
        var one = ServerNames.Create(
            ["b.example", "A.example", "b.EXAMPLE"], [IPAddress.Parse("::1"), IPAddress.Parse("10.0.0.9"), IPAddress.Parse("9.0.0.10")]);
        var two = ServerNames.Create(
            ["a.example", "B.example"],
            [IPAddress.Parse("::ffff:9.0.0.10"), IPAddress.Parse("10.0.0.9"), IPAddress.Parse("9.0.0.10"),
            IPAddress.Parse("0:0:0:0:0:0:0:1")]);
        Assert.Equal(["a.example", "b.example"], one.DnsNames);
        Assert.Equal(["9.0.0.10", "10.0.0.9", "::1"], one.Addresses.Select(address => address.ToString()));
        Assert.Equal(one, two);
        Assert.Equal(one.GetHashCode(), two.GetHashCode());
        Assert.Equal("a.example, b.example, 9.0.0.10, 10.0.0.9, ::1", two.ToString());
    }

    [Fact]
    public void Create_OrdinalOrder_PutsTheHyphenBeforeTheDot() =>
        Assert.Equal(["*.a", "a-b", "a.b", "a0"], ServerNames.Create(["a0", "a.b", "*.a", "a-b"], []).DnsNames);

    [Fact]
    public void Equals_OtherNamesOrAddresses_AreDifferent()
    {
        var one = ServerNames.Create(["a"], [IPAddress.Loopback]);
        Assert.NotEqual(one, ServerNames.Create(["a"], []));
        Assert.NotEqual(one, ServerNames.Create(["b"], [IPAddress.Loopback]));
        Assert.NotEqual(one, ServerNames.Create(["a"], [IPAddress.IPv6Loopback]));
        Assert.False(one.Equals(null));
        Assert.Equal(ServerNames.None, ServerNames.Create([], []));
    }

    [Theory]
    [InlineData("registry")]
    [InlineData("registry.registry-system.svc.cluster.local")]
    [InlineData("registry.123")]
    [InlineData("0")]
    [InlineData("*.svc")]
    [InlineData("xn--bcher-kva.example")]
    [InlineData("ab--cd.example")]
    [InlineData("a234567890123456789012345678901234567890123456789012345678901bc.example")]
    public void Create_GoodName_IsIssuedAsItIs(string name)
    {
        using var authority = Samples.NewAuthority();
        using var pair = authority.Issue(Samples.Server() with { Names = ServerNames.Create([name], []) }, Samples.Clock);
        Assert.Equal([name], CertificateFacts.Read(Samples.Bytes(pair.CertificatePem)).Names.DnsNames);
    }

    [Fact]
    public void Create_LongestName_IsIssuedAndALongerOneRefused()
    {
        var longest = string.Join('.', Enumerable.Repeat(new string('a', 63), 3)) + "." + new string('b', 61);
        Assert.Equal(253, longest.Length);
        using var authority = Samples.NewAuthority();
        using var pair = authority.Issue(Samples.Server() with { Names = ServerNames.Create([longest], []) }, Samples.Clock);
        Assert.Equal([longest], CertificateFacts.Read(Samples.Bytes(pair.CertificatePem)).Names.DnsNames);
        Assert.Throws<ArgumentException>(() => ServerNames.Create([longest + "b"], []));
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData(" ")]
    [InlineData("a b")]
    [InlineData("a.")]
    [InlineData(".a")]
    [InlineData("a..b")]
    [InlineData("-a.b")]
    [InlineData("a-.b")]
    [InlineData("a_b.c")]
    [InlineData("*")]
    [InlineData("*a.b")]
    [InlineData("a.*.b")]
    [InlineData("*.*.b")]
    [InlineData("bücher.example")]
    [InlineData("a\u212a.example")]
    [InlineData("10.0.0.1")]
    [InlineData("fd00::1")]
    [InlineData("https://a.b")]
    [InlineData("a.b:5000")]
    [InlineData("a\0b")]
    [InlineData("a2345678901234567890123456789012345678901234567890123456789012bc.example")]
    public void Create_BadName_IsNamedInTheRefusal(string? name)
    {
        var refusal = Assert.Throws<ArgumentException>(() => ServerNames.Create(["fine.example", name!], []));
        Assert.Contains($"'{name?.Replace("\0", "", StringComparison.Ordinal)}'", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_EndlessName_IsCutInTheRefusal() =>
        Assert.True(Assert.Throws<ArgumentException>(() => ServerNames.Create([new string('a', 100_000)], [])).Message.Length < 250);

    [Theory]
    [InlineData("fe80::1%3")]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    [InlineData("::ffff:0:0")]
    [InlineData(null)]
    public void Create_BadAddress_IsNamedInTheRefusal(string? address)
    {
        var refusal = Assert.Throws<ArgumentException>(() => ServerNames.Create([], [address is null ? null! : IPAddress.Parse(address)]));
        Assert.Contains($"'{address}'", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_InputChangedAfterwards_KeepsItsOwnCopy()
    {
        var names = new List<string> { "a" };
        var made = ServerNames.Create(names, []);
        names.Add("b");
        Assert.Equal(["a"], made.DnsNames);
        Assert.ThrowsAny<NotSupportedException>(() => ((IList<string>)made.DnsNames)[0] = "c");
    }
}
