using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Unit.Tests.Registry.Release;

namespace CapiRegistryHook.Unit.Tests.Registry.ServerCertificates;

public sealed class NodeAddressesTests
{
    private static readonly RegistryOptions Options = new() { ExtraNamesAllowCidrs = "192.0.2.0/24,2001:db8::/64" };

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Install_NodeAddressesAskedFor_HasThoseOfControlPlaneNodesThatAreAllowed()
    {
        var (fixture, _) = await LifecycleFixture.StartAsync(options: Options);
        using var owned = fixture;
        var cluster = await fixture.RequestAsync("""{"certificate": {"nodeAddresses": true}}""");
        await AddMachineAsync(fixture, "c1", "one", controlPlane: true,
            ("InternalIP", "192.0.2.11"), ("ExternalIP", "2001:db8::11"), ("InternalIP", "198.51.100.9"), ("Hostname", "192.0.2.99"),
            ("InternalIP", "127.0.0.1"), ("InternalIP", "not an address"));
        await AddMachineAsync(fixture, "c1", "two", controlPlane: true, ("InternalIP", "192.0.2.12"), ("InternalIP", "192.0.2.11"));
        await AddMachineAsync(fixture, "c1", "worker", controlPlane: false, ("InternalIP", "192.0.2.13"));
        await AddMachineAsync(fixture, "c2", "other", controlPlane: true, ("InternalIP", "192.0.2.14"));

        await fixture.Registry.InstallAsync(cluster, CancellationToken);

        Assert.Equal(["192.0.2.11", "192.0.2.12", "2001:db8::11"], await NodesInCertificateAsync(fixture));
    }

    /// <summary>A new node is a new name, and an unchanged one is no reason for another certificate.</summary>
    [Fact]
    public async Task Reconcile_NewControlPlaneNode_RenewsOnce()
    {
        var (fixture, _) = await LifecycleFixture.StartAsync(options: Options);
        using var owned = fixture;
        await fixture.RequestAsync("""{"certificate": {"nodeAddresses": true}}""");
        await fixture.ReconcileAsync();
        Assert.Empty(await NodesInCertificateAsync(fixture));
        await AddMachineAsync(fixture, "c1", "one", controlPlane: true, ("InternalIP", "192.0.2.11"));

        await fixture.ReconcileAsync();
        var renewed = await SerialAsync(fixture);
        Assert.Equal(["192.0.2.11"], await NodesInCertificateAsync(fixture));
        await fixture.ReconcileAsync();
        await fixture.ReconcileAsync();

        Assert.Equal(renewed, await SerialAsync(fixture));
    }

    [Fact]
    public async Task Install_NotAskedFor_LooksAtNoMachine()
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync(options: Options);
        using var owned = fixture;
        await AddMachineAsync(fixture, "c1", "one", controlPlane: true, ("InternalIP", "192.0.2.11"));

        await fixture.Registry.InstallAsync(cluster, CancellationToken);

        Assert.Empty(await NodesInCertificateAsync(fixture));
    }

    private static async Task AddMachineAsync(
        LifecycleFixture fixture, string cluster, string name, bool controlPlane, params (string Type, string Address)[] addresses)
    {
        var labels = new JsonObject { [RegistryPlan.ClusterNameLabel] = cluster };
        if (controlPlane)
            labels["cluster.x-k8s.io/control-plane"] = "";
        await fixture.Management.CreateAsync(AdminClient.Machines(LifecycleFixture.Namespace), new JsonObject
        {
            ["apiVersion"] = "cluster.x-k8s.io/v1beta2",
            ["kind"] = "Machine",
            ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = labels },
        }, CancellationToken);
        // Its infrastructure provider writes it later.
        await fixture.Management.MergePatchAsync(AdminClient.Machines(LifecycleFixture.Namespace), $"{name}/status", new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["addresses"] = new JsonArray([.. addresses.Select(entry =>
                    new JsonObject { ["type"] = entry.Type, ["address"] = entry.Address })]),
            },
        }, CancellationToken);
    }

    private static async Task<string> SerialAsync(LifecycleFixture fixture)
    {
        using var certificate = await CertificateAsync(fixture);
        return certificate.SerialNumber;
    }

    private static async Task<IEnumerable<string>> NodesInCertificateAsync(LifecycleFixture fixture)
    {
        using var certificate = await CertificateAsync(fixture);
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single();
        return [.. names.EnumerateIPAddresses().Select(address => address.ToString())
            .Where(address => !address.StartsWith("10.", StringComparison.Ordinal) && address is not ("127.0.0.1" or "::1"))
            .Order(StringComparer.Ordinal)];
    }

    private static async Task<X509Certificate2> CertificateAsync(LifecycleFixture fixture)
    {
        var secret = await fixture.Workload.GetAsync(AdminClient.Secrets("registry-system"), "registry-tls", CancellationToken);
        return X509Certificate2.CreateFromPem(Encoding.ASCII.GetString(Convert.FromBase64String((string)secret["data"]!["tls.crt"]!)));
    }
}
