using System.Net;
using System.Net.Http.Headers;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests;

public sealed class RealApiServerTests(ITestOutputHelper output)
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task StartAsync_TwoAtOnce_AreSeparateClusters()
    {
        await using var management = await StartAsync("management");
        await using var workload = await StartAsync("workload");
        using var toManagement = AdminHttp.Create(management);
        using var toWorkload = AdminHttp.Create(workload);

        Assert.Equal(HttpStatusCode.Created, await PostAsync(toManagement, "/api/v1/namespaces", Namespace("only-here")));

        Assert.Equal(HttpStatusCode.OK, await GetAsync(toManagement, "/api/v1/namespaces/only-here"));
        Assert.Equal(HttpStatusCode.NotFound, await GetAsync(toWorkload, "/api/v1/namespaces/only-here"));
    }

    [Fact]
    public async Task StartAsync_Done_ServesTheCustomResources()
    {
        await using var server = await StartAsync("management");
        using var http = AdminHttp.Create(server);

        Assert.Equal(HttpStatusCode.OK, await GetAsync(http, "/apis/cluster.x-k8s.io/v1beta1/clusters"));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(http, "/apis/cluster.x-k8s.io/v1beta2/clusters"));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(http, "/apis/addons.cluster.x-k8s.io/v1alpha1/helmchartproxies"));

        // The reflect2 of the packaged source ends the server on the first custom resource that is written.
        const string Clusters = "/apis/cluster.x-k8s.io/v1beta1/namespaces/default/clusters";
        Assert.Equal(HttpStatusCode.Created, await PostAsync(http, Clusters, Cluster("one")));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(http, "/apis/cluster.x-k8s.io/v1beta2/namespaces/default/clusters/one"));
    }

    [Fact]
    public async Task StartAsync_AnotherServersToken_IsRefused()
    {
        await using var server = await StartAsync("management");
        using var http = AdminHttp.Create(server);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "not-a-token");

        Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync(http, "/api/v1/namespaces"));
    }

    [Fact]
    public async Task StopApiServerAsync_StartedAgain_KeepsAddressAndObjects()
    {
        await using var server = await StartAsync("workload");
        var address = server.Address;
        using var http = AdminHttp.Create(server);
        Assert.Equal(HttpStatusCode.Created, await PostAsync(http, "/api/v1/namespaces", Namespace("kept")));

        await server.StopApiServerAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(http, "/readyz"));
        await server.StartApiServerAsync(CancellationToken);

        Assert.Equal(address, server.Address);
        Assert.Equal(HttpStatusCode.OK, await GetAsync(http, "/api/v1/namespaces/kept"));
    }

    [Fact]
    public async Task DisposeAsync_Done_LeavesNothing()
    {
        var server = await StartAsync("gone");
        var processes = server.ProcessIds;
        Assert.Equal(2, processes.Count);
        Assert.All(processes, id => Assert.True(Directory.Exists(ProcFolder(id))));
        Assert.True(Directory.Exists(server.Folder));

        await server.DisposeAsync();

        Assert.All(processes, id => Assert.False(Directory.Exists(ProcFolder(id))));
        Assert.False(Directory.Exists(server.Folder));
    }

    private async Task<RealApiServer> StartAsync(string name)
    {
        // Straight to the terminal: the first build takes minutes, and a test's own output only shows once it is over.
        var binaries = await KubernetesBinaries.EnsureAsync(Console.Error, CancellationToken);
        var started = TimeProvider.System.GetTimestamp();
        var server = await RealApiServer.StartAsync(name, binaries, CancellationToken);
        output.WriteLine($"{name} was ready after {TimeProvider.System.GetElapsedTime(started).TotalSeconds:F1} s");
        return server;
    }

    private static async Task<HttpStatusCode> GetAsync(HttpClient http, string path)
    {
        using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), CancellationToken);
        return answer.StatusCode;
    }

    private static async Task<HttpStatusCode> PostAsync(HttpClient http, string path, string json)
    {
        using var body = new StringContent(json, new MediaTypeHeaderValue("application/json"));
        using var answer = await http.PostAsync(new Uri(path, UriKind.Relative), body, CancellationToken);
        return answer.StatusCode;
    }

    private static string Namespace(string name) => $$$"""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{{{name}}}"}}""";

    private static string Cluster(string name) => $$$"""
        {
          "apiVersion": "cluster.x-k8s.io/v1beta1", "kind": "Cluster", "metadata": {"name": "{{{name}}}"},
          "spec": {
            "clusterNetwork": {"services": {"cidrBlocks": ["10.96.0.0/12"]}},
            "topology": {
              "class": "some", "version": "v1.30.0",
              "variables": [{"name": "clusterConfig", "value": {"addons": {"registry": {} } } }]
            }
          }
        }
        """;

    private static string ProcFolder(int id) => $"/proc/{id}";
}
