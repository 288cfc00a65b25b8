using CapiRegistryHook.Harness;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>The listener: certificates that change under a running process, protocol versions, drain, and refused starts.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class ServingTests(EmbeddedEnvironment fixture)
{
    /// <summary>The service looks at its files every 10 s.</summary>
    private static readonly TimeSpan ReloadBound = TimeSpan.FromSeconds(90);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ServingCertificate_FilesReplaced_IsServedWithoutARestart()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        var before = await ServedSerialAsync(service, SslProtocols.None);

        service.RenewServingCertificate();

        await Polling.UntilAsync(
            "the new certificate is served", async () => await ServedSerialAsync(service, SslProtocols.None) != before, () => service.Log,
            CancellationToken, ReloadBound);

        Assert.True(service.IsRunning);
        await service.WaitForLogAsync("The serving certificate was reloaded", CancellationToken);
    }

    [Fact]
    public async Task ServingCertificate_Tls11_IsRefused()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);

        Assert.NotEmpty(await ServedSerialAsync(service, SslProtocols.Tls12));
#pragma warning disable SYSLIB0039, CA5397 // The obsolete version is what the test offers.
        await Assert.ThrowsAnyAsync<Exception>(() => ServedSerialAsync(service, SslProtocols.Tls11));
#pragma warning restore SYSLIB0039, CA5397
    }

    [Fact]
    public async Task Terminate_WhileDraining_IsNotReadyButAnswers()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        await using var service =
            await HookService.StartAsync(environment.Management.Kubeconfig, ["--drain-delay", "10s"], CancellationToken);
        using var capi = service.CreateClusterApi();
        Assert.Equal(200, (await capi.SendAsync(HttpMethod.Get, "/readyz", null, CancellationToken)).StatusCode);

        service.Terminate();
        HookAnswer ready;
        var started = TimeProvider.System.GetTimestamp();
        do
        {
            ready = await capi.SendAsync(HttpMethod.Get, "/readyz", null, CancellationToken);
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(10), "Still ready.");
        }
        while (ready.StatusCode == 200);
        var discovery = await capi.DiscoverAsync("1.13.4", CancellationToken);

        Assert.Equal((503, "draining\n"), (ready.StatusCode, ready.Text));
        Assert.Equal(200, discovery.StatusCode);
        Assert.Equal(0, await service.WaitForExitAsync(CancellationToken));
    }

    [Fact]
    public async Task Start_BadOptions_NamesAllAndExitsWith2()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);

        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            HookService.StartAsync(
                environment.Management.Kubeconfig, ["--key-algorithm", "DSA", "--root-secret-name", "A B", "--work-limit", "1m"],
                CancellationToken));

        Assert.Contains("code 2", exception.Message, StringComparison.Ordinal);
        foreach (var option in new[] { "--key-algorithm", "--root-secret-name", "--work-limit" })
            Assert.Contains(option, exception.Message, StringComparison.Ordinal);
    }

    private static async Task<string> ServedSerialAsync(HookService service, SslProtocols protocols)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPem(service.CertificateAuthorityPem);
        using var socket = new TcpClient();
        await socket.ConnectAsync(service.Address.Host, service.Address.Port, CancellationToken);
        await using var stream = new SslStream(socket.GetStream());
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "127.0.0.1", CertificateChainPolicy = trust,
            EnabledSslProtocols = protocols }, CancellationToken);
        return stream.RemoteCertificate!.GetSerialNumberString();
    }
}
