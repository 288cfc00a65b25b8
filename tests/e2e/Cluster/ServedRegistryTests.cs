using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>
/// Real registries behind a real API server and kubelet: what is served is found out, and a renewal counts only once it is served.
/// </summary>
[Collection(OnOneNode.Name)]
public sealed class ServedRegistryTests(SharedCluster shared)
{
    private static readonly string[] Names = ["registry.registry-system.svc"];

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CheckAsync_RenewalWhilePodsRoll_IsServedWhenTheLastPodIsNew()
    {
        await using var registry = await ServedRegistry.CreateAsync(await shared.GetAsync(), CancellationToken);
        var (former, issued) = Renewal();
        await registry.GiveAsync(former, CancellationToken);
        await registry.RollAsync("registry-0", CancellationToken);
        Assert.Equal(new ServedResult.Waiting("The registry does not have its 2 pods yet."), await CheckAsync(former));
        await registry.RollAsync("registry-1", CancellationToken);
        Assert.Equal(new ServedResult.AllServed(), await CheckAsync(former));

        await registry.GiveAsync(issued, CancellationToken);
        Assert.Equal(StillAnother("registry-0"), await CheckAsync(issued));
        await registry.RollAsync("registry-0", CancellationToken);
        Assert.Equal(StillAnother("registry-1"), await CheckAsync(issued));
        await registry.RollAsync("registry-1", CancellationToken);
        Assert.Equal(new ServedResult.AllServed(), await CheckAsync(issued));
        Assert.IsType<ServedResult.Untrusted>(
            await registry.CheckAsync(ServerIdentity.Create(Names, []).RootPem, SerialOf(issued), CancellationToken));

        Task<ServedResult> CheckAsync(ServerIdentity identity) =>
            registry.CheckAsync(former.RootPem, SerialOf(identity), CancellationToken);
    }

    /// <summary>API servers, kubelets and container runtimes accept keep-alive frames.</summary>
    [Fact]
    public async Task OpenPortAsync_IdleForManyKeepAlives_StaysOpen()
    {
        var cluster = await shared.GetAsync();
        await using var registry = await ServedRegistry.CreateAsync(cluster, CancellationToken);
        var identity = ServerIdentity.Create(Names, []);
        await registry.GiveAsync(identity, CancellationToken);
        await registry.RollAsync("registry-0", CancellationToken);
        await using var stream = await registry.OpenPingedAsync(cluster, "registry-0", CancellationToken);

        await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System, CancellationToken);

        await using var tls = new SslStream(stream);
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPem(identity.RootPem);
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = Names[0], CertificateChainPolicy = trust }, CancellationToken);
        Assert.True(tls.IsAuthenticated);
    }

    [Fact]
    public async Task CheckAsync_PodsThatDoNotServe_AreNamed()
    {
        await using var registry = await ServedRegistry.CreateAsync(await shared.GetAsync(), CancellationToken);
        var identity = ServerIdentity.Create(Names, []);
        await registry.GiveAsync(identity, CancellationToken);
        await registry.RollAsync("registry-0", CancellationToken);
        await registry.ReplaceByDeafPodAsync("registry-1", CancellationToken);

        Assert.Equal(
            new ServedResult.Waiting("The registry's pod registry-1 can't be reached through the cluster's API server."),
            await registry.CheckAsync(identity.RootPem, SerialOf(identity), CancellationToken));
        await registry.ReplaceByUnreadyPodAsync("registry-0", CancellationToken);
        Assert.Equal(
            new ServedResult.Waiting("The registry's pod registry-0 is not ready."),
            await registry.CheckAsync(identity.RootPem, SerialOf(identity), CancellationToken));
    }

    /// <summary>Two certificates of one root, one after the other.</summary>
    private static (ServerIdentity Former, ServerIdentity Issued) Renewal()
    {
        using var root = CertificateAuthority.CreateRoot(
            new RootRequest("tests", KeyAlgorithm.EcdsaP256, TimeSpan.FromDays(1)), TimeProvider.System);
        var rootPem = Encoding.ASCII.GetBytes(root.CertificatePem);
        using var authority = CertificateAuthority.Load(rootPem, root.PrivateKeyPem.Span, rootPem);
        return (Issue(authority, root.CertificatePem), Issue(authority, root.CertificatePem));
    }

    private static ServerIdentity Issue(CertificateAuthority authority, string rootPem)
    {
        var request = new ServerCertificateRequest(
            "registry", ServerNames.Create(Names, []), KeyAlgorithm.EcdsaP256, TimeSpan.FromHours(12));
        using var pair = authority.Issue(request, TimeProvider.System);
        return new ServerIdentity(rootPem, pair.CertificatePem, Encoding.ASCII.GetString(pair.PrivateKeyPem.Span));
    }

    private static ServedResult.Waiting StillAnother(string pod) =>
        new($"The registry's pod {pod} still serves another certificate than the one issued last.");

    private static string SerialOf(ServerIdentity identity) =>
        CertificateFacts.Read(Encoding.ASCII.GetBytes(identity.CertificatePem)).SerialNumber;
}
