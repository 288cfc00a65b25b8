using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.EndToEnd.Tests.Runbooks;

/// <summary>
/// The runbooks on lost roots, lost management clusters and expired certificates, by the commands on their pages. Helm's part is to start
/// the published service, and that of a backup tool to carry objects.
/// </summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class RootRunbookTests(EmbeddedEnvironment fixture) : IAsyncLifetime
{
    private const string Root = "registry-addon-root-ca";
    private static readonly TestCluster Cluster = new("c1", "default", "");

    private readonly DocumentationShell _shell = new();
    private TestEnvironment _site = null!;
    private HookService? _service;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _site = await fixture.EmptyAsync(CancellationToken);
        _shell.Write("management.kubeconfig", _site.Management.Kubeconfig);
        _shell.Write("passphrase", "correct horse battery\n");
        _shell.AddProgram("capi-registry-hook", HookService.ProgramPath());
        _shell.AddProgram("kubectl", await TestTools.PathOfAsync("kubectl"));
        _shell.AddStandIn("helm");
        _shell.AddStandIn("velero");
    }

    public async ValueTask DisposeAsync()
    {
        if (_service is not null)
            await _service.DisposeAsync();
        await _shell.DisposeAsync();
    }

    [Fact]
    public async Task RootLost_WithABackup_GoesOnUnderTheSameRoot()
    {
        var page = DocumentationPage.Read("docs/runbooks/root-lost.md");
        var before = await InstallAsync(_site);
        await RunAsync(page, "Make a backup");
        await _site.ManagementObjects.MergePatchAsync(AdminClient.Secrets(HookService.Namespace), Root,
            new JsonObject { ["data"] = new JsonObject { ["tls.key"] = "bm8ga2V5" } }, CancellationToken);

        await RunAsync(page, "With a backup");
        await TouchAsync(_site);

        var renewed = await UntilAsync(_site, state => state.Root is not null && state.Serial != before.Serial);
        Assert.Equal(RegistryState.Text(before.Root!, "tls.key"), RegistryState.Text(renewed.Root!, "tls.key"));
        Assert.True((renewed with { Trust = before.Trust }).Verifies("10.128.0.20"));
        Assert.Contains("default/c1", await RunAsync(page, "Check"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RootLost_WithoutABackup_ClustersGetANewOne()
    {
        var page = DocumentationPage.Read("docs/runbooks/root-lost.md");
        var before = await InstallAsync(_site);
        await _site.ManagementObjects.DeleteIfThereAsync(AdminClient.Secrets(HookService.Namespace), Root, CancellationToken);

        await RunAsync(page, "Without a backup");

        var renewed = await UntilAsync(_site, state => state is { Root: not null, Trust: not null } && state.Serial != before.Serial
            && RegistryState.Text(state.Trust, "ca.crt") == RegistryState.Text(state.Root, "tls.crt") && state.Verifies("10.128.0.20"));
        Assert.NotEqual(RegistryState.Text(before.Root!, "tls.crt"), RegistryState.Text(renewed.Root!, "tls.crt"));
        Assert.False((renewed with { Trust = before.Trust }).Verifies("10.128.0.20"));
    }

    [Fact]
    public async Task ManagementClusterLost_RestoredByThePage_GoesOnWithTheSameCertificate()
    {
        var before = await InstallAsync(_site);
        await RunAsync(DocumentationPage.Read("docs/runbooks/root-lost.md"), "Make a backup");
        await _service!.DisposeAsync();
        await using var target = await fixture.StartBesideAsync(_site, CancellationToken);
        _shell.Write("target.kubeconfig", target.Management.Kubeconfig);
        var page = DocumentationPage.Read("docs/runbooks/management-cluster-lost.md");

        foreach (var commands in page.CommandsUnder("Restore"))
        {
            await _shell.RunAsync(commands, CancellationToken);
            foreach (var call in _shell.TakeCalls())
            {
                if (call.StartsWith("velero restore create --from-backup clusters", StringComparison.Ordinal))
                    await new ClusterMove(_site.ManagementObjects, target.ManagementObjects, "default").RunAsync(CancellationToken);
                else if (call.StartsWith("helm upgrade --install capi-registry-hook ", StringComparison.Ordinal))
                    _service = await StartAsync(target);
            }
        }

        var after = await UntilAsync(target, state => state.ChartProxy is not null && state.ChartSerial == state.Serial
            && Owner(state.ChartProxy) == Uid(state.Cluster));
        Assert.Equal(before.Serial, after.Serial);
        Assert.Equal(RegistryState.Text(before.Root!, "tls.key"), RegistryState.Text(after.Root!, "tls.key"));
        Assert.Contains("default/c1", await RunAsync(page, "Check"), StringComparison.Ordinal);
    }

    /// <summary>The registry was installed three years ago by this very program, and nobody has renewed since.</summary>
    [Theory]
    [InlineData("The service was off")]
    [InlineData("The workload cluster was off")]
    public async Task CertificateExpired_ByThePage_IsRenewed(string heading)
    {
        var page = DocumentationPage.Read("docs/runbooks/certificate-expired.md");
        var before = await InstallLongAgoAsync();
        Assert.Contains(before.ReadCertificate().NotAfter.ToUniversalTime().ToString("yyyy-MM-dd", null),
            await RunAsync(page, "Find out"), StringComparison.Ordinal);
        if (heading == "The workload cluster was off")
            _service = await StartAsync(_site);

        await RunAsync(page, heading);
        foreach (var call in _shell.TakeCalls().Where(call => call.StartsWith("helm upgrade ", StringComparison.Ordinal)))
            _service = await StartAsync(_site);

        var renewed = await UntilAsync(_site, state => state.Serial != before.Serial && state.ChartSerial == state.Serial);
        Assert.True((renewed with { Trust = before.Trust }).Verifies("10.128.0.20"));
        await RunAsync(page, "Check");
    }

    private Task<string> RunAsync(DocumentationPage page, string heading) =>
        _shell.RunAsync(string.Join('\n', page.CommandsUnder(heading)), CancellationToken);

    private async Task<RegistryState> InstallAsync(TestEnvironment site)
    {
        _service = await StartAsync(site);
        await CreateClusterAsync();
        return await UntilAsync(site, state => state is { ChartProxy: not null, Trust: not null } && state.ChartSerial == state.Serial);
    }

    private async Task CreateClusterAsync()
    {
        await _site.GiveKubeconfigAsync(Cluster, CancellationToken);
        await _site.CreateClusterAsync(Cluster.Name, CancellationToken);
    }

    private async Task<RegistryState> InstallLongAgoAsync()
    {
        await CreateClusterAsync();
        var then = new PastTime(TimeProvider.System.GetUtcNow() - TimeSpan.FromDays(3 * 365));
        var options = new RegistryOptions { HookNamespace = HookService.Namespace, WorkloadAllowCidrs = "127.0.0.0/8" };
        using var registry = RegistryLifecycle.Connect(
            Kubeconfig.Load(_shell["management.kubeconfig"], null, then), new KubernetesClientOptions(), options, then,
            (_, _, _) => Task.FromResult<ServedResult>(new ServedResult.AllServed()));
        for (var reconcile = 0; reconcile < 3; reconcile++)
            await registry.Fleet.ReconcileAsync(new ClusterKey("default", "c1"), verify: false, CancellationToken);
        return await RegistryState.ReadAsync(_site, Cluster, CancellationToken);
    }

    private static Task<HookService> StartAsync(TestEnvironment site) => HookService.StartAsync(
        site.Management.Kubeconfig, ["--reconciler", "On", "--lease-duration", "3s"], CancellationToken);

    private static Task<JsonObject> TouchAsync(TestEnvironment site) => site.ManagementObjects.MergePatchAsync(
        AdminClient.Clusters("default"), Cluster.Name, new JsonObject
        {
            ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["capi-registry-hook.io/renew"] = "after the loss" } },
        }, CancellationToken);

    private async Task<RegistryState> UntilAsync(TestEnvironment site, Func<RegistryState, bool> isDone)
    {
        RegistryState? state = null;
        await Polling.UntilAsync("the registry is as the page says", async () =>
        {
            state = await RegistryState.ReadAsync(site, Cluster, CancellationToken);
            return state.Certificate is not null && isDone(state);
        }, () => _service?.Log ?? "", CancellationToken);
        return state!;
    }

    private static string? Owner(JsonObject value) => (string?)value["metadata"]!["ownerReferences"]?[0]?["uid"];

    private static string? Uid(JsonObject value) => (string?)value["metadata"]!["uid"];

    /// <summary>The clock of a machine in the past, which goes on like any other.</summary>
    private sealed class PastTime(DateTimeOffset start) : TimeProvider
    {
        private readonly TimeSpan _behind = System.GetUtcNow() - start;

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() - _behind;
    }
}
