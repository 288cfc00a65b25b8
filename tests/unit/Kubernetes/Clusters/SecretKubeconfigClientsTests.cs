using System.Text;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Clusters;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Clusters;

public sealed class SecretKubeconfigClientsTests
{
    private static readonly NamespacedName Name = new("ns", "one");

    private volatile string? _kubeconfig = Kubeconfig("https://127.0.0.1:1");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RentAsync_SameSecret_LendsTheSameClientForOneCallEach()
    {
        await using var fixture = await StartAsync();
        using SecretKubeconfigClients clients = new(fixture.Client, new(), TimeProvider.System);
        using var first = await clients.RentAsync(Name, "value", Cancel);
        using var second = await clients.RentAsync(Name, "value", Cancel);
        Assert.Same(first.Client, second.Client);
        Assert.Equal(2, fixture.Server.Requests.Count);
    }

    [Fact]
    public async Task RentAsync_SecretChanged_LendsAnotherAndFreesTheOldOneWhenItIsBack()
    {
        await using var fixture = await StartAsync();
        using SecretKubeconfigClients clients = new(fixture.Client, new(), TimeProvider.System);
        var old = await clients.RentAsync(Name, "value", Cancel);
        _kubeconfig = Kubeconfig("https://127.0.0.1:2");
        using var renewed = await clients.RentAsync(Name, "value", Cancel);
        Assert.NotSame(old.Client, renewed.Client);
        Assert.False(await IsFreedAsync(old.Client));
        old.Dispose();
        old.Dispose();
        Assert.True(await IsFreedAsync(old.Client));
        Assert.False(await IsFreedAsync(renewed.Client));
    }

    [Fact]
    public async Task RentAsync_SecretGone_IsNotFoundAndTheClientGoes()
    {
        await using var fixture = await StartAsync();
        using SecretKubeconfigClients clients = new(fixture.Client, new(), TimeProvider.System);
        var lease = await clients.RentAsync(Name, "value", Cancel);
        lease.Dispose();
        Assert.False(await IsFreedAsync(lease.Client));
        _kubeconfig = null;
        Assert.Equal(KubernetesFault.NotFound,
            (await Assert.ThrowsAsync<KubernetesApiException>(() => clients.RentAsync(Name, "value", Cancel))).Fault);
        Assert.True(await IsFreedAsync(lease.Client));
        Assert.Equal(0, clients.Count);
    }

    [Fact]
    public async Task RentAsync_UnusableSecret_NamesSecretAndKey()
    {
        await using var fixture = await StartAsync();
        using SecretKubeconfigClients clients = new(fixture.Client, new(), TimeProvider.System);
        var missing = await Assert.ThrowsAsync<KubeconfigException>(() => clients.RentAsync(Name, "other", Cancel));
        Assert.Equal("Secret ns/one has no key \"other\" with a kubeconfig in it.", missing.Message);
        _kubeconfig = "clusters: 5";
        var broken = await Assert.ThrowsAsync<KubeconfigException>(() => clients.RentAsync(Name, "value", Cancel));
        Assert.Equal("Secret ns/one, key \"value\": The kubeconfig's clusters must be a list.", broken.Message);
    }

    [Fact]
    public async Task RentAsync_IdleForTenMinutes_IsFreedUnlessLent()
    {
        ManualTime time = new();
        await using var fixture = await StartAsync();
        using SecretKubeconfigClients clients = new(fixture.Client, new(), time);
        var lease = await clients.RentAsync(Name, "value", Cancel);
        time.Advance(TimeSpan.FromMinutes(20));
        Assert.Equal(1, clients.Count);
        lease.Dispose();
        time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(1, clients.Count);
        time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(0, clients.Count);
        Assert.True(await IsFreedAsync(lease.Client));
    }

    [Fact]
    public async Task RentAsync_MoreThanAreKept_FreesTheOneUsedLongestAgo()
    {
        ManualTime time = new();
        await using var fixture = await StartAsync();
        using SecretKubeconfigClients clients = new(fixture.Client, new(), time);
        List<ClientLease> leases = [];
        for (var i = 0; i <= SecretKubeconfigClients.MostClients; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            leases.Add(await clients.RentAsync(new("ns", $"c{i}"), "value", Cancel));
            leases[^1].Dispose();
        }

        Assert.Equal(SecretKubeconfigClients.MostClients, clients.Count);
        Assert.True(await IsFreedAsync(leases[0].Client));
        Assert.False(await IsFreedAsync(leases[1].Client));
    }

    [Fact]
    public async Task RentAsync_ManyAtOnceWhileTheSecretChanges_FreesEveryClientButTheLast()
    {
        await using var fixture = await StartAsync();
        SecretKubeconfigClients clients = new(fixture.Client, ClientFixture.Quick, TimeProvider.System);
        HashSet<KubernetesClient> seen = [];
        await Parallel.ForAsync(0, 200, Cancel, async (i, cancel) =>
        {
            if (i % 10 == 0)
                _kubeconfig = Kubeconfig($"https://127.0.0.1:{i + 1}");
            using var lease = await clients.RentAsync(Name, "value", cancel);
            Assert.False(await IsFreedAsync(lease.Client));
            lock (seen)
                seen.Add(lease.Client);
        });
        Assert.Equal(1, clients.Count);
        var open = 0;
        foreach (var client in seen)
            open += await IsFreedAsync(client) ? 0 : 1;
        Assert.Equal(1, open);
        clients.Dispose();
        foreach (var client in seen)
            Assert.True(await IsFreedAsync(client));
    }

    [Fact]
    public async Task Dispose_ClientLent_IsFreedWhenItIsBack()
    {
        await using var fixture = await StartAsync();
        SecretKubeconfigClients clients = new(fixture.Client, new(), TimeProvider.System);
        var lease = await clients.RentAsync(Name, "value", Cancel);
        clients.Dispose();
        clients.Dispose();
        Assert.False(await IsFreedAsync(lease.Client));
        lease.Dispose();
        Assert.True(await IsFreedAsync(lease.Client));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => clients.RentAsync(Name, "value", Cancel));
    }

    private static string Kubeconfig(string server) =>
        $$$"""{clusters: [{name: c, cluster: {server: "{{{server}}}"}}], users: [{name: u, user: {token: abc}}]}""";

    // A freed client refuses before it connects; one in use gets as far as its address, where nobody listens.
    private static async Task<bool> IsFreedAsync(KubernetesClient client)
    {
        using CancellationTokenSource cancelled = new();
        await cancelled.CancelAsync();
        var thrown = await Assert.ThrowsAnyAsync<Exception>(() => client.GetAsync(CoreResources.Secrets, Name, cancelled.Token));
        return thrown is ObjectDisposedException;
    }

    private Task<ClientFixture> StartAsync() => ClientFixture.StartAsync((context, _) => AnswerAsync(context));

    private Task AnswerAsync(HttpContext context) => _kubeconfig is { } current
        ? context.JsonAsync(
            $$$"""{"kind":"Secret","metadata":{"name":"one"},"data":{"value":"{{{Convert.ToBase64String(Encoding.UTF8.GetBytes(current))}}}"}}""")
        : context.StatusAsync(404, "NotFound");
}
