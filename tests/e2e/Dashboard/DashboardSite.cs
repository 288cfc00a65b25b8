using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Dashboard;

/// <summary>
/// A management cluster with one Cluster whose registry the service itself installed and whose replicas are real registries, and any
/// number of others that are copies of it with a state of their own.
/// </summary>
internal sealed class DashboardSite : IAsyncDisposable
{
    /// <summary>The Cluster that is real.</summary>
    public const string Namespace = "prod-eu";
    public const string Name = "store-0001";
    public const string Root = "registry-addon-root-ca";

    /// <summary>A month short of half its lifetime, when the service would rotate it by itself.</summary>
    private static readonly TimeSpan RootAge = TimeSpan.FromDays((3650 / 2) - 30);

    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-dashboard-");
    private readonly EmbeddedApiServer _management;
    private readonly EmbeddedApiServer _workload;
    private readonly HashSet<string> _namespaces = [];
    private JsonObject _trust = null!;
    private JsonObject _release = null!;
    private string _uid = "";

    private DashboardSite(EmbeddedApiServer management, EmbeddedApiServer workload)
    {
        (_management, _workload) = (management, workload);
        Admin = new AdminClient(management);
        _folder.Write("kubeconfig", management.Kubeconfig);
    }

    public AdminClient Admin { get; }

    public EmbeddedApiServer Management => _management;

    public ScratchFolder Folder => _folder;

    public DashboardReplicas Replicas { get; private set; } = null!;

    /// <summary>What the program needs to get there.</summary>
    public string[] Access => ["--kubeconfig", _folder["kubeconfig"], "--workload-allow-cidrs", "127.0.0.0/8"];

    public static async Task<DashboardSite> StartAsync(CancellationToken cancellationToken)
    {
        var site = new DashboardSite(
            await EmbeddedApiServer.StartAsync("management", cancellationToken),
            await EmbeddedApiServer.StartAsync("workload", cancellationToken));
        await site.CreateNamespaceAsync(HookService.Namespace, cancellationToken);
        await site.CreateNamespaceAsync(Namespace, cancellationToken);
        var root = SiteRoot.First(RootAge);
        await site.Admin.CreateAsync(AdminClient.Secrets(HookService.Namespace), root.Secret, cancellationToken);
        await site.InstallAsync(cancellationToken);
        site.Replicas = await DashboardReplicas.StartAsync(
            site._workload, (string)site._release["metadata"]!["annotations"]!["capi-registry-hook.io/release-revision"]!,
            cancellationToken);
        return site;
    }

    /// <summary>A Cluster with a registry in some state.</summary>
    public async Task AddAsync(SiteMember member, CancellationToken cancellationToken)
    {
        await CreateNamespaceAsync(member.Namespace, cancellationToken);
        var cluster = TestEnvironment.NewCluster(member.Name);
        cluster["spec"]!["clusterNetwork"]!["services"]!["cidrBlocks"] = new JsonArray(member.Services);
        cluster["spec"]!["paused"] = member.IsPaused;
        var value = cluster["spec"]!["topology"]!["variables"]![0]!["value"]!;
        value["addons"]!["registry"]!["replicas"] = member.Replicas;
        if (member.IsOff)
            value["addons"] = new JsonObject();
        var created = await Admin.CreateAsync(AdminClient.Clusters(member.Namespace), cluster, cancellationToken);
        if (member.IsOff)
            return;
        var uid = (string)created["metadata"]!["uid"]!;
        await Admin.CreateAsync(AdminClient.Secrets(member.Namespace), Copy(_trust, member, uid), cancellationToken);
        var release = Copy(_release, member, uid);
        member.Annotate(release["metadata"]!["annotations"]!.AsObject());
        release["spec"]!["version"] = member.Chart;
        await Admin.CreateAsync(AdminClient.ChartProxies(member.Namespace), release, cancellationToken);
        if (member.Warning is { } warning)
            await WarnAsync(member.Namespace, member.Name, uid, "NotReady", warning, cancellationToken);
    }

    /// <summary>An Event of the service on a Cluster.</summary>
    public Task WarnAsync(
        string @namespace, string name, string uid, string reason, string note, CancellationToken cancellationToken,
        string type = "Warning") =>
        Admin.CreateAsync(AdminClient.Events(@namespace), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = $"{name}.{Guid.NewGuid():N}" },
            ["eventTime"] = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
            ["reportingController"] = "capi-registry-hook.io/reconciler", ["reportingInstance"] = "tests", ["action"] = "Reconcile",
            ["reason"] = reason, ["note"] = note, ["type"] = type,
            ["regarding"] = new JsonObject
            {
                ["apiVersion"] = "cluster.x-k8s.io/v1beta2", ["kind"] = "Cluster", ["namespace"] = @namespace, ["name"] = name,
                ["uid"] = uid,
            },
        }, cancellationToken);

    /// <summary>What an admin decides with these values and the chart of the real Cluster.</summary>
    public SiteRevision Decide(string adminValues) => SiteRevision.Of(_release["spec"]!.AsObject(), adminValues);

    /// <summary>The uid of the Cluster that is real.</summary>
    public string Uid => _uid;

    /// <summary>Begins a rotation as the service does, and returns the next root.</summary>
    public async Task<SiteRoot> BeginRotationAsync(CancellationToken cancellationToken)
    {
        var next = SiteRoot.After((string)_release["metadata"]!["annotations"]!["capi-registry-hook.io/certificate-issuer"]!);
        await Admin.CreateAsync(AdminClient.Secrets(HookService.Namespace), next.Secret, cancellationToken);
        await Admin.MergePatchAsync(AdminClient.Secrets(HookService.Namespace), Root, new JsonObject
        {
            ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["capi-registry-hook.io/next-root"] = $"{Root}-next" } },
        }, cancellationToken);
        return next;
    }

    /// <summary>Adds the next root to the bundle of a Cluster, and to those of all that are added later when it is the real one.</summary>
    public async Task TrustAsync(string @namespace, string name, SiteRoot next, CancellationToken cancellationToken)
    {
        var secret = await Admin.GetAsync(AdminClient.Secrets(@namespace), $"{name}-registry-addon-ca", cancellationToken);
        var bundle = Encoding.ASCII.GetString(Convert.FromBase64String((string)secret["data"]!["ca.crt"]!)) + next.Pem;
        var since = (string)secret["metadata"]!["annotations"]!["capi-registry-hook.io/trusted-since"]!;
        var changed = await Admin.MergePatchAsync(AdminClient.Secrets(@namespace), $"{name}-registry-addon-ca", new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["annotations"] = new JsonObject
                {
                    ["capi-registry-hook.io/trusted-since"] = $"{since},{next.Id}={SiteMember.Text(TimeProvider.System.GetUtcNow())}",
                },
            },
            ["data"] = new JsonObject { ["ca.crt"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(bundle)) },
        }, cancellationToken);
        if (name == Name)
            _trust = changed;
    }

    /// <summary>Changes annotations of an object.</summary>
    public Task AnnotateAsync(string collection, string name, JsonObject annotations, CancellationToken cancellationToken) =>
        Admin.MergePatchAsync(
            collection, name, new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = annotations } }, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (Replicas is not null)
            await Replicas.DisposeAsync();
        Admin.Dispose();
        await _management.DisposeAsync();
        await _workload.DisposeAsync();
        await _folder.DisposeAsync();
    }

    private async Task CreateNamespaceAsync(string name, CancellationToken cancellationToken)
    {
        if (_namespaces.Add(name) && name != "default")
            await Admin.CreateAsync(
                "/api/v1/namespaces", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } }, cancellationToken);
    }

    private async Task InstallAsync(CancellationToken cancellationToken)
    {
        var cluster = TestEnvironment.NewCluster(Name);
        cluster["metadata"]!["labels"] = new JsonObject { ["cluster.x-k8s.io/cluster-name"] = Name };
        var created = await Admin.CreateAsync(AdminClient.Clusters(Namespace), cluster, cancellationToken);
        _uid = (string)created["metadata"]!["uid"]!;
        await Admin.CreateAsync(AdminClient.Secrets(Namespace), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = $"{Name}-kubeconfig" },
            ["data"] = new JsonObject { ["value"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(_workload.Kubeconfig)) },
        }, cancellationToken);
        await using (await HookService.StartAsync(
            _management.Kubeconfig, ["--reconciler", "On", "--lease-duration", "3s"], cancellationToken))
        {
            await Polling.UntilAsync("a HelmChartProxy", async () => await Admin.FindAsync(
                AdminClient.ChartProxies(Namespace), $"{Name}-registry", cancellationToken) is not null, () => "", cancellationToken);
        }

        _release = await Admin.GetAsync(AdminClient.ChartProxies(Namespace), $"{Name}-registry", cancellationToken);
        var annotations = _release["metadata"]!["annotations"]!;
        annotations["capi-registry-hook.io/certificate-served"] = annotations["capi-registry-hook.io/certificate-serial"]!.DeepClone();
        annotations["capi-registry-hook.io/release-served"] = annotations["capi-registry-hook.io/release-revision"]!.DeepClone();
        annotations["capi-registry-hook.io/release-since"] = SiteMember.Text(TimeProvider.System.GetUtcNow().AddDays(-12));
        await AnnotateAsync(
            AdminClient.ChartProxies(Namespace), $"{Name}-registry", annotations.DeepClone().AsObject(), cancellationToken);
        await ClearConditionAsync(cancellationToken);
        _trust = await Admin.GetAsync(AdminClient.Secrets(Namespace), $"{Name}-registry-addon-ca", cancellationToken);
    }

    /// <summary>The service saw no pods; what it said of that is over.</summary>
    private async Task ClearConditionAsync(CancellationToken cancellationToken)
    {
        await Admin.MergePatchAsync(
            AdminClient.Clusters(Namespace), $"{Name}/status", new JsonObject { ["status"] = new JsonObject { ["conditions"] = null } },
            cancellationToken);
        foreach (var item in await Admin.ListAsync(AdminClient.Events(Namespace), cancellationToken))
            await Admin.DeleteIfThereAsync(AdminClient.Events(Namespace), (string)item["metadata"]!["name"]!, cancellationToken);
    }

    private JsonObject Copy(JsonObject original, SiteMember member, string uid)
    {
        var copy = JsonNode.Parse(original.ToJsonString()
            .Replace(_uid, uid, StringComparison.Ordinal)
            .Replace($"\"{Name}", $"\"{member.Name}", StringComparison.Ordinal)
            .Replace($"\"namespace\":\"{Namespace}\"", $"\"namespace\":\"{member.Namespace}\"", StringComparison.Ordinal))!.AsObject();
        foreach (var field in new[] { "uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "selfLink" })
            copy["metadata"]!.AsObject().Remove(field);
        copy.Remove("status");
        return copy;
    }
}
