using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Unit.Tests.Kubernetes;

/// <summary>A scripted server and a client that trusts it, with pauses short enough to wait for.</summary>
internal sealed class ClientFixture : IAsyncDisposable
{
    public static readonly NamespacedName One = new("ns", "one");

    public static readonly KubernetesClientOptions Quick = new()
    {
        CallTimeout = TimeSpan.FromSeconds(10),
        TotalTimeout = TimeSpan.FromSeconds(20),
        BackoffBase = TimeSpan.FromMilliseconds(1),
        BackoffCap = TimeSpan.FromMilliseconds(2),
        WatchBackoffCap = TimeSpan.FromMilliseconds(10),
    };

    private ClientFixture(TestAuthority authority, ScriptedServer server, KubernetesClient client)
    {
        Authority = authority;
        Server = server;
        Client = client;
    }

    public TestAuthority Authority { get; }

    public ScriptedServer Server { get; }

    public KubernetesClient Client { get; }

    public static async Task<ClientFixture> StartAsync(
        Func<HttpContext, int, Task> answer, KubernetesClientOptions? options = null, TimeProvider? time = null,
        Func<ClusterConnection, ClusterConnection>? change = null)
    {
        TestAuthority authority = new();
        var server = await ScriptedServer.StartAsync(authority.Issue(), answer);
        var connection = server.Connection(authority);
        return new ClientFixture(authority, server,
            new KubernetesClient(change?.Invoke(connection) ?? connection, options ?? Quick, time ?? TimeProvider.System));
    }

    public Task<Secret> GetAsync() => Client.GetAsync(CoreResources.Secrets, One, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
        Authority.Dispose();
    }
}
