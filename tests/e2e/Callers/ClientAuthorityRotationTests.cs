using System.Net;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Callers;

/// <summary>The CA of callers is replaced while the service runs, with connections open: old, both, new.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class ClientAuthorityRotationTests(EmbeddedEnvironment fixture) : IAsyncLifetime
{
    private readonly LoopbackAuthority _old = LoopbackAuthority.Create(TimeProvider.System);
    private readonly LoopbackAuthority _new = LoopbackAuthority.Create(TimeProvider.System);
    private readonly ScratchFolder _folder = ScratchFolder.Create("client-rotation-");
    private HookService? _service;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    private HookService Service => _service!;

    public async ValueTask InitializeAsync()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        _service = await HookService.StartAsync(
            environment.Management.Kubeconfig, ["--client-ca-file", _folder.Write("ca.crt", _old.CertificatePem)], CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_service is not null)
            await _service.DisposeAsync();
        await _folder.DisposeAsync();
        _old.Dispose();
        _new.Dispose();
    }

    [Fact]
    public async Task Authority_Replaced_TakesEffectWithoutARestartAndOnOpenConnections()
    {
        using var oldCertificate = _old.IssueClient(new ClientIdentity("capi"));
        using var newCertificate = _new.IssueClient(new ClientIdentity("capi"));
        using var early1 = Service.CreateClusterApi(oldCertificate, HttpVersion.Version11);
        using var early2 = Service.CreateClusterApi(oldCertificate, HttpVersion.Version20);
        await AssertAnsweredAsync(early1, early2);

        await ReplaceAsync(_old.CertificatePem + _new.CertificatePem, reloads: 1);
        using var late1 = Service.CreateClusterApi(newCertificate, HttpVersion.Version11);
        using var late2 = Service.CreateClusterApi(newCertificate, HttpVersion.Version20);
        await AssertAnsweredAsync(early1, early2, late1, late2);

        await ReplaceAsync(_new.CertificatePem, reloads: 2);
        await AssertShutOutAsync(early1);
        await AssertShutOutAsync(early2);
        await AssertAnsweredAsync(late1, late2);
        Assert.True(Service.IsRunning);
    }

    [Fact]
    public async Task Authority_FileBroken_KeepsTheFormerOne()
    {
        using var certificate = _old.IssueClient(new ClientIdentity("capi"));
        using var stranger = _new.IssueClient(new ClientIdentity("capi"));

        _folder.Write("ca.crt", "no certificate");
        await WaitForAsync("The former CA of callers stays in use.", times: 1);

        using var caller = Service.CreateClusterApi(certificate);
        using var other = Service.CreateClusterApi(stranger);
        Assert.Equal("Success", (await caller.DiscoverAsync("1.13.4", CancellationToken)).Status);
        await Assert.ThrowsAsync<HttpRequestException>(() => other.DiscoverAsync("1.13.4", CancellationToken));
    }

    [Theory]
    [InlineData("no certificate", "", "must hold one or more certificates as PEM")]
    [InlineData(null, "capi", "set --client-ca-file too")]
    public async Task Start_OptionsThatDoNotFit_AreRefused(string? file, string names, string wanted)
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        List<string> arguments = ["--client-names", names];
        if (file is not null)
            arguments.AddRange(["--client-ca-file", _folder.Write("broken.crt", file)]);

        var exception = await Assert.ThrowsAsync<InvalidOperationException>(
            () => HookService.StartAsync(environment.Management.Kubeconfig, arguments, CancellationToken));

        Assert.Contains("code 2", exception.Message, StringComparison.Ordinal);
        Assert.Contains(wanted, exception.Message, StringComparison.Ordinal);
    }

    private static async Task AssertAnsweredAsync(params ClusterApi[] callers)
    {
        foreach (var caller in callers)
            Assert.Equal("Success", (await caller.DiscoverAsync("1.13.4", CancellationToken)).Status);
    }

    /// <summary>
    /// The open connection ends with a fixed answer, and another one is not made. In HTTP/2 a call may still overtake the end.
    /// </summary>
    private static async Task AssertShutOutAsync(ClusterApi caller)
    {
        const string Sentence = "The client certificate has expired, or is not from the CA that is required now.";
        var refused = await caller.DiscoverAsync("1.13.4", CancellationToken);
        Assert.Equal((403, Sentence), (refused.StatusCode, refused.Error));
        await Polling.UntilAsync("a refused handshake", () => IsCutOffAsync(caller), () => Sentence, CancellationToken);
    }

    private static async Task<bool> IsCutOffAsync(ClusterApi caller)
    {
        try
        {
            Assert.Equal(403, (await caller.DiscoverAsync("1.13.4", CancellationToken)).StatusCode);
            return false;
        }
        catch (HttpRequestException)
        {
            return true;
        }
    }

    private Task ReplaceAsync(string pem, int reloads)
    {
        _folder.Write("ca.crt", pem);
        return WaitForAsync("The CA of callers was reloaded", reloads);
    }

    private Task WaitForAsync(string line, int times) => Polling.UntilAsync(
        line, () => Task.FromResult(Service.Log.Split('\n').Count(entry => entry.Contains(line, StringComparison.Ordinal)) >= times),
        () => Service.Log, CancellationToken);
}
