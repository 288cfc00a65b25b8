using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.EndToEnd.Tests.Serving;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>
/// The service's own chart with <c>certificate.mode: selfManaged</c>, installed for real: no cert-manager, no Secret made by hand.
/// </summary>
[Collection(OnOneNode.Name)]
public sealed class InstalledSelfManagedTests(SharedCluster shared)
{
    private static readonly Uri Repository = new($"https://{HookChart.Release}.{HookService.Namespace}.svc");

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task NewAuthorityAndRestart_WithCallersAllTheTime_FailNoCall()
    {
        await using var hook = await InstalledHook.InstallSelfManagedAsync(await shared.GetAsync(), CancellationToken);
        using var admin = new AdminClient(hook.Cluster);
        var authority = new PublishedAuthority(admin, HookChart.Release);
        await authority.InjectAsync(CancellationToken);
        await using var forward = await hook.ForwardAsync("https", CancellationToken);
        var cluster = await hook.CreateClusterAsync("c1", CancellationToken);
        await using var anew = new RunningCaller(
            forward, hook.RootPem, RunningCaller.Requests(cluster), HttpVersion.Version11, reconnect: true);
        await anew.MoreAsync(5, CancellationToken);

        await authority.RotateAsync("test", CancellationToken);
        await Polling.UntilAsync(
            "the next authority", async () => await authority.ReadAsync(CancellationToken) != hook.RootPem, () => "", CancellationToken);
        var both = await authority.InjectAsync(CancellationToken);
        await hook.RestartAsync(CancellationToken);
        await anew.MoreAsync(20, CancellationToken);

        Assert.Empty(anew.Failures);
        await AssertChartIsFetchedAsync(hook, admin, cluster, both);
    }

    /// <summary>What the add-on provider for Helm does: it takes the HelmChartProxy's address and the Secret that this names.</summary>
    private static async Task AssertChartIsFetchedAsync(InstalledHook hook, AdminClient admin, TestCluster cluster, string published)
    {
        await using var forward = await hook.ForwardAsync("https", CancellationToken);
        using var capi = new ClusterApi(new Uri($"https://127.0.0.1:{forward.Port}"), published);
        var answer = await capi.CallAsync("1.13.4", "AfterControlPlaneInitialized", cluster, CancellationToken);
        Assert.Equal("Success", answer.Status);
        var spec = (await admin.GetAsync(AdminClient.ChartProxies(HookService.Namespace), "c1-registry", CancellationToken))["spec"]!;
        Assert.Equal($"oci://{Repository.Host}:443/charts", (string)spec["repoURL"]!);
        Assert.Equal(PublishedAuthority.PublicSecret, (string)spec["tlsConfig"]!["caSecret"]!["name"]!);
        Assert.Equal(HookService.Namespace, (string)spec["tlsConfig"]!["caSecret"]!["namespace"]!);

        using var http = Client(forward, published);
        using var manifest =
            await http.GetAsync(new Uri($"/v2/charts/registry/manifests/{spec["version"]}", UriKind.Relative), CancellationToken);
        Assert.Equal(HttpStatusCode.OK, manifest.StatusCode);
    }

    /// <summary>Calls the Service by its name, which nothing resolves here.</summary>
    private static HttpClient Client(NodeForward forward, string rootPem)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPem(rootPem);
        return new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust },
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, forward.Port, cancellationToken);
                return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
            },
        })
        { BaseAddress = Repository };
    }
}
