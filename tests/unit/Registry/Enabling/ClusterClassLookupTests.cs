using System.Text;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Enabling;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Registry.Enabling;

/// <summary>How often ClusterClasses are read, and what an API server that doesn't answer leads to.</summary>
public sealed class ClusterClassLookupTests : IAsyncDisposable
{
    private static readonly NamespacedName Prod = new("default", "prod");
    private static readonly VariableLocation Location = new("clusterConfig", "addons.registry");
    private readonly ManualTime _time = new();
    private EmbeddedApiServer? _server;
    private KubernetesClient? _client;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_server is not null)
            await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("v1beta1")]
    [InlineData("v1beta2")]
    public async Task FindAsync_ManyClustersOfOneClass_ReadsItOnceInTenSeconds(string version)
    {
        var lookup = await StartAsync();
        await CreateClassAsync(version);

        var found = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => FindAsync(lookup, version)));
        Assert.All(found, support => Assert.Equal(ClassSupport.Present, support));
        Assert.Equal(1, Reads);

        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(ClassSupport.Present, await FindAsync(lookup, version));
        Assert.Equal(2, Reads);
    }

    [Fact]
    public async Task FindAsync_ClassComesLater_IsFoundASecondAfter()
    {
        var lookup = await StartAsync();
        Assert.Equal(ClassSupport.Unknown, await FindAsync(lookup, "v1beta2"));
        await CreateClassAsync("v1beta2");
        Assert.Equal(ClassSupport.Unknown, await FindAsync(lookup, "v1beta2"));

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(ClassSupport.Present, await FindAsync(lookup, "v1beta2"));
    }

    [Theory]
    [InlineData(403)]
    [InlineData(500)]
    public async Task FindAsync_ApiServerRefuses_IsUnknown(int status)
    {
        var lookup = await StartAsync();
        await CreateClassAsync("v1beta2");
        _server!.InjectFault(_ => Fault.Status(status, "Forbidden"));

        Assert.Equal(ClassSupport.Unknown, await FindAsync(lookup, "v1beta2"));
    }

    [Fact]
    public async Task FindAsync_ApiServerHangs_IsUnknownAfterTwoSeconds()
    {
        var lookup = await StartAsync();
        _server!.InjectFault(_ => Fault.Delay(Task.Delay(Timeout.Infinite, CancellationToken)));

        var find = FindAsync(lookup, "v1beta2");
        await _time.TimerAsync(delay => delay == ClusterClassLookup.LongestRead);
        _time.Advance(ClusterClassLookup.LongestRead);

        Assert.Equal(ClassSupport.Unknown, await find);
    }

    private int Reads => _server!.Calls.Count(call => call is { Verb: "get", Resource: "clusterclasses" });

    private async Task<ClusterClassLookup> StartAsync()
    {
        _server = await EmbeddedApiServer.StartAsync("management", CancellationToken);
        _client = new KubernetesClient(
            Kubeconfig.Parse(Encoding.UTF8.GetBytes(_server.Kubeconfig), null, TimeProvider.System),
            new KubernetesClientOptions { MaxAttempts = 1 }, _time);
        return new ClusterClassLookup(_client, Location, _time);
    }

    private async Task CreateClassAsync(string version)
    {
        using var objects = new AdminClient(_server!);
        await TestClusterClass.CreateAsync(objects, version, "prod", VariableSchema.Write(Location), CancellationToken);
    }

    private static Task<ClassSupport> FindAsync(ClusterClassLookup lookup, string version) =>
        lookup.FindAsync(new Cluster { ApiVersion = $"cluster.x-k8s.io/{version}" }, Prod, CancellationToken);
}
