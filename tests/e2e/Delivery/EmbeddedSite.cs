using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Logins;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery;

/// <summary>
/// A management cluster with any number of workload clusters, each with a real registry behind the port-forward of its API server: what
/// the published program sees of a site, without nodes.
/// </summary>
internal sealed class EmbeddedSite : IAsyncDisposable
{
    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-site-");
    private readonly IApiServer _management;
    private readonly AdminClient _admin;
    private readonly List<SiteCluster> _clusters = [];

    private EmbeddedSite(IApiServer management)
    {
        _management = management;
        _admin = new AdminClient(management);
        _folder.Write("kubeconfig", management.Kubeconfig);
    }

    /// <summary>A folder for whatever a test writes.</summary>
    public ScratchFolder Folder => _folder;

    public AdminClient Admin => _admin;

    /// <summary>The management cluster.</summary>
    public EmbeddedApiServer Management => (EmbeddedApiServer)_management;

    public static async Task<EmbeddedSite> StartAsync(CancellationToken cancellationToken) =>
        new(await EmbeddedApiServer.StartAsync("management", cancellationToken));

    /// <summary>The same on a management cluster that has no Clusters yet; it is disposed with the site.</summary>
    public static EmbeddedSite StartOn(IApiServer management) => new(management);

    /// <summary>A cluster in the namespace default whose registry has this many replicas.</summary>
    /// <param name="name">The Cluster.</param>
    /// <param name="replicas">How many registries there are; the first takes pushes, and nobody copies.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="mirror">The setting <c>mirror</c> as JSON.</param>
    /// <param name="login">The login that the service generated, in the Secret beside the Cluster; null for none.</param>
    /// <param name="deletes">Whether the registry removes content.</param>
    public async Task<SiteCluster> AddAsync(
        string name, int replicas, CancellationToken cancellationToken, string mirror = "{}", RegistryLogin? login = null,
        bool deletes = true)
    {
        var cluster = await SiteCluster.StartAsync(name, replicas, login, deletes, cancellationToken);
        lock (_clusters)
            _clusters.Add(cluster);
        await AddClusterAsync(name, cluster.RootPem, cancellationToken, mirror, generates: login is not null);
        if (login is not null)
            await WriteLoginAsync(name, login, cancellationToken);
        await WriteKubeconfigAsync(name, cluster.Api.Kubeconfig, cancellationToken);
        return cluster;
    }

    /// <summary>A Cluster with what verifies its registry, and no way to it yet.</summary>
    public async Task AddClusterAsync(
        string name, string trust, CancellationToken cancellationToken, string mirror = "{}", bool generates = false)
    {
        var cluster = TestEnvironment.NewCluster(name);
        cluster["metadata"]!["labels"] = new JsonObject { ["site"] = "north" };
        cluster["spec"]!["topology"]!["variables"]![0]!["value"]!["addons"]!["registry"]!["mirror"] = JsonNode.Parse(mirror);
        if (generates)
            cluster["spec"]!["topology"]!["variables"]![0]!["value"]!["addons"]!["registry"]!["auth"] = JsonNode.Parse(
                """{"generate":true}""");
        await _admin.CreateAsync(AdminClient.Clusters("default"), cluster, cancellationToken);
        await WriteSecretAsync($"{name}-registry-addon-ca", "ca.crt", trust, cancellationToken);
    }

    public Task WriteKubeconfigAsync(string name, string kubeconfig, CancellationToken cancellationToken) =>
        WriteSecretAsync($"{name}-kubeconfig", "value", kubeconfig, cancellationToken);

    /// <summary>Writes the Secret with a generated login as the service does, in place of the one that is there.</summary>
    public async Task WriteLoginAsync(string cluster, RegistryLogin login, CancellationToken cancellationToken)
    {
        var name = $"{cluster}-registry-addon-login";
        await _admin.DeleteIfThereAsync(AdminClient.Secrets("default"), name, cancellationToken);
        await _admin.CreateAsync(AdminClient.Secrets("default"), new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["name"] = name, ["labels"] = new JsonObject { ["app.kubernetes.io/managed-by"] = "capi-registry-hook" },
            },
            ["data"] = new JsonObject
            {
                ["username"] = Pack(login.UserName), ["password"] = Pack(login.Password), ["htpasswd"] = Pack(login.Htpasswd),
            },
        }, cancellationToken);
    }

    /// <summary>The options that every command on clusters of this site needs.</summary>
    public string[] Access => ["--kubeconfig", _folder["kubeconfig"], "--workload-allow-cidrs", "127.0.0.0/8"];

    /// <summary>Runs the published program.</summary>
    public Task<ProgramRun> RunAsync(CancellationToken cancellationToken, params string[] arguments) =>
        RunWithInputAsync("", cancellationToken, arguments);

    /// <summary>Runs the published program with something on its standard input.</summary>
    public Task<ProgramRun> RunWithInputAsync(string input, CancellationToken cancellationToken, params string[] arguments) =>
        ProgramRun.RunAsync(HookService.ProgramPath(), arguments, cancellationToken, input,
            new Dictionary<string, string?> { ["DOCKER_CONFIG"] = _folder.Path });

    public async ValueTask DisposeAsync()
    {
        foreach (var cluster in _clusters)
            await cluster.DisposeAsync();
        _admin.Dispose();
        await _management.DisposeAsync();
        await _folder.DisposeAsync();
    }

    private Task<JsonObject> WriteSecretAsync(string name, string key, string text, CancellationToken cancellationToken) =>
        _admin.CreateAsync(AdminClient.Secrets("default"), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name },
            ["data"] = new JsonObject { [key] = Pack(text) },
        }, cancellationToken);

    private static string Pack(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
