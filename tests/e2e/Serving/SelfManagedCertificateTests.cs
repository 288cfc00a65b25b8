using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Serving;

/// <summary>The service with a certificate that it makes itself: several processes under one authority.</summary>
[Collection(OnApiServers.Name)]
public sealed class SelfManagedCertificateTests(RealEnvironment real, EmbeddedEnvironment embedded)
{
    private const string Version = "1.13.4";

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>With the rights of the chart in the mode of named namespaces, the narrowest there are.</summary>
    [Fact]
    public async Task Rotation_WithTwoReplicasAndClientsAllTheTime_FailsNoHandshake()
    {
        var environment = await real.EmptyAsync(CancellationToken);
        var kubeconfig = await InstalledAccess.GrantAsync(
            environment, CancellationToken, "certificate.mode=selfManaged", $"extensionConfig.name={PublishedAuthority.Extension}",
            "rbac.namespaces={default}", "reconciler.enabled=false");
        var authority = new PublishedAuthority(environment.ManagementObjects);
        await authority.CreateExtensionAsync(CancellationToken);
        var started = await Task.WhenAll(StartAsync(kubeconfig), StartAsync(kubeconfig));
        await using var first = started[0];
        await using var second = started[1];

        var former = await authority.InjectAsync(CancellationToken);
        var known = former;
        await using var clusterApi = new VerifyingClient(started, () => Volatile.Read(ref known));
        await using var late = new VerifyingClient(started, () => former);
        await authority.RotateAsync("test", CancellationToken);
        await Polling.UntilAsync(
            "the next authority", async () => await authority.ReadAsync(CancellationToken) != former, () => first.Log, CancellationToken);
        var both = await authority.InjectAsync(CancellationToken);
        Volatile.Write(ref known, both);
        var next = PublishedAuthority.Added(both, former);
        foreach (var replica in started)
            await Polling.UntilAsync(
                "a certificate of the next authority", () => VerifyingClient.AcceptsAsync(replica, next, CancellationToken),
                () => replica.Log, CancellationToken);

        await Task.WhenAll(clusterApi.MoreAsync(101, CancellationToken), late.MoreAsync(101, CancellationToken));
        Assert.Equal(both, await authority.ReadAsync(CancellationToken));
        Assert.Empty(clusterApi.Failures.Concat(late.Failures));
        Assert.True(clusterApi.Handshakes > 100 && late.Handshakes > 100, $"{clusterApi.Handshakes} and {late.Handshakes} handshakes.");
        Assert.All(started, replica => Assert.DoesNotContain("former serving certificate stays", replica.Log, StringComparison.Ordinal));
        using var capi = new ClusterApi(first.Address, next);
        Contract.AssertDiscovery(await capi.DiscoverAsync(Version, CancellationToken));
    }

    [Fact]
    public async Task Start_WithoutAnApiServerAtFirst_WaitsForIt()
    {
        var environment = await embedded.EmptyAsync(CancellationToken);
        var management = (EmbeddedApiServer)environment.Management;
        var calls = 0;
        management.InjectFault(_ => Interlocked.Increment(ref calls) <= 6 ? Fault.Status(503, "ServiceUnavailable") : null);
        try
        {
            await using var service =
                await HookService.StartAsync(
                    management.Kubeconfig, ["--tls-source", "SelfManaged", "--tls-names", "127.0.0.1"], CancellationToken);

            Assert.True(await VerifyingClient.AcceptsAsync(
                service, await new PublishedAuthority(environment.ManagementObjects).ReadAsync(CancellationToken), CancellationToken));
            Assert.Contains("Waiting for the first serving certificate", service.Log, StringComparison.Ordinal);
        }
        finally
        {
            management.ClearFaults();
        }
    }

    [Theory]
    [InlineData("--tls-names has no effect with Files as --tls-source", "--tls-names", "x")]
    [InlineData("--tls-certificate-file has no effect with SelfManaged as --tls-source", "--tls-source", "SelfManaged",
        "--tls-certificate-file", "/x")]
    [InlineData("--tls-names has the value", "--tls-source", "SelfManaged", "--tls-names", "a b")]
    [InlineData("--tls-public-secret-name has the value", "--tls-source", "SelfManaged", "--tls-public-secret-name",
        "capi-registry-hook-ca")]
    [InlineData("--tls-extension-config has the value", "--tls-source", "SelfManaged", "--tls-extension-config", "A/B")]
    public async Task Start_OptionsThatDoNotFit_AreNamed(string sentence, params string[] arguments)
    {
        var environment = await embedded.EmptyAsync(CancellationToken);

        var exception = await Assert.ThrowsAsync<InvalidOperationException>(
            () => HookService.StartAsync(environment.Management.Kubeconfig, arguments, CancellationToken));

        Assert.Contains("code 2", exception.Message, StringComparison.Ordinal);
        Assert.Contains(sentence, exception.Message, StringComparison.Ordinal);
    }

    /// <summary>The rules that the chart gives for this, and the calls that are made: neither has more than the other.</summary>
    [Fact]
    public async Task Rules_AreTheCallsThatAreMade()
    {
        var environment = await embedded.EmptyAsync(CancellationToken);
        var management = (EmbeddedApiServer)environment.Management;
        var authority = new PublishedAuthority(environment.ManagementObjects);
        await authority.CreateExtensionAsync(CancellationToken);
        management.ClearCalls();
        await using var service = await HookService.StartAsync(management.Kubeconfig, PublishedAuthority.Arguments, CancellationToken);
        var former = await authority.ReadAsync(CancellationToken);
        var made = Made(management);
        await authority.RotateAsync("test", CancellationToken);
        management.ClearCalls();
        await Polling.UntilAsync(
            "the next authority", async () => await authority.ReadAsync(CancellationToken) != former, () => service.Log, CancellationToken);
        made.UnionWith(Made(management));

        var rendered = await HookChart.RenderAsync(
            CancellationToken, "--set",
            $"certificate.mode=selfManaged,extensionConfig.name={PublishedAuthority.Extension},rbac.namespaces={{default}}");
        var inNamespace = rendered.One("Role", $"{HookChart.Release}-serving").Rights();
        var everywhere = rendered.One("ClusterRole", $"{HookService.Namespace}:{HookChart.Release}-serving").Rights();
        Assert.Equal(inNamespace.Concat(everywhere).Distinct().Order(), made.Order());
    }

    private static Task<HookService> StartAsync(string kubeconfig) =>
        HookService.StartAsync(kubeconfig, PublishedAuthority.Arguments, CancellationToken);

    /// <summary>The service's own calls; the test asks for the public Secret without a field manager, and reads nothing else.</summary>
    private static HashSet<(string Verb, string Group, string Resource)> Made(EmbeddedApiServer management) =>
        [.. management.Calls.Where(call => !call.IsWrite || call.FieldManager == "capi-registry-hook")
            .Select(call => (call.Verb, call.Group, call.Resource))];
}
