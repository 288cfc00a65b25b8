using System.Net;
using System.Text;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Connection;

/// <summary>Where a kubeconfig out of a Secret may lead, by address and by name.</summary>
public sealed class AddressPolicyTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("10.0.0.1", true)]
    [InlineData("192.168.1.1", true)]
    [InlineData("203.0.113.9", true)]
    [InlineData("fd00::1", true)]
    [InlineData("2001:db8::1", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.9.9.9", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("100.100.100.200", false)]
    [InlineData("168.63.129.16", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::", false)]
    [InlineData("::1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("ff02::1", false)]
    [InlineData("fd00:ec2::254", false)]
    [InlineData("fd00:ec2::23", false)]
    [InlineData("fd20:ce::254", false)]
    [InlineData("fd20:ce::253", true)]
    [InlineData("fd00:c1::a9fe:a9fe", false)]
    [InlineData("fd00:42::42", false)]
    [InlineData("192.0.0.192", false)]
    [InlineData("::169.254.169.254", false)]
    [InlineData("64:ff9b:1::a9fe:a9fe", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("::ffff:169.254.169.254", false)]
    [InlineData("::ffff:10.0.0.1", true)]
    [InlineData("64:ff9b::a9fe:a9fe", false)]
    [InlineData("2002:7f00:1::", false)]
    public void Allows_Address_IsOneOfAServerOrSpecial(string address, bool isAllowed) =>
        Assert.Equal(isAllowed, new AddressPolicy([]).Allows(IPAddress.Parse(address)));

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("::ffff:127.0.0.1", true)]
    [InlineData("127.0.0.2", false)]
    [InlineData("169.254.169.254", false)]
    public void Allows_BlockOfTheAdmin_IsAllowedAndNothingElse(string address, bool isAllowed) =>
        Assert.Equal(isAllowed, new AddressPolicy([IPNetwork.Parse("127.0.0.1/32")]).Allows(IPAddress.Parse(address)));

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("2130706433")]
    [InlineData("127.1")]
    public async Task Call_HostThatLeadsToLoopback_IsRefusedBeforeItIsConnectedTo(string host)
    {
        using var client = Connect(host, []);

        var exception = await Assert.ThrowsAsync<KubernetesApiException>(
            () => client.FindAsync(CoreResources.Secrets, new NamespacedName("a", "b"), Cancel));

        Assert.Equal(KubernetesFault.AddressRefused, exception.Fault);
    }

    [Fact]
    public async Task Call_AllowedLoopback_IsConnectedTo()
    {
        using var client = Connect("127.0.0.1", [IPNetwork.Parse("127.0.0.0/8")]);

        var exception = await Assert.ThrowsAsync<KubernetesApiException>(
            () => client.FindAsync(CoreResources.Secrets, new NamespacedName("a", "b"), Cancel));

        // Nobody listens on port 1: it came as far as the connection.
        Assert.Equal(KubernetesFault.Unreachable, exception.Fault);
    }

    private static KubernetesClient Connect(string host, IReadOnlyList<IPNetwork> allowed)
    {
        var yaml = $$$"""{clusters: [{name: c, cluster: {server: "https://{{{host}}}:1"}}], users: [{name: u, user: {token: abc}}]}""";
        var connection =
            Kubeconfig.Parse(Encoding.UTF8.GetBytes(yaml), null, TimeProvider.System) with { Addresses = new AddressPolicy(allowed) };
        return new KubernetesClient(connection, ClientFixture.Quick with { MaxAttempts = 1 }, TimeProvider.System);
    }
}
