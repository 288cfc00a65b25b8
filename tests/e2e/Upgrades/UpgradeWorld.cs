using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Upgrades;

/// <summary>
/// Three Clusters that have been through what writes annotations: an upgrade, a renewal on request, a new password, a new root that not
/// all Machines know yet. There are no pods, so what the service writes down when it has seen them is written for it.
/// </summary>
internal sealed class UpgradeWorld(TestEnvironment environment) : IAsyncDisposable
{
    public const int Count = 3;

    /// <summary>How many registries may be changed at once: fewer than there are.</summary>
    public const int Concurrency = 2;

    private const string Prefix = "capi-registry-hook.io/";
    private const string Machines = "/apis/cluster.x-k8s.io/v1beta2/namespaces/default/machines";
    private const string Root = "registry-addon-root-ca";
    private const string Version = "1.13.4";

    private static readonly string[] Left = ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink"];

    private readonly List<TestCluster> _clusters = [];

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public IReadOnlyList<TestCluster> Clusters => _clusters;

    private static string Releases => AdminClient.ChartProxies("default");

    private static string HookSecrets => AdminClient.Secrets(HookService.Namespace);

    public Task<HookService> StartAsync(params string[] arguments) => HookService.StartAsync(
        environment.Management.Kubeconfig,
        ["--reconciler", "On", "--lease-duration", "3s", "--rollout-concurrency", $"{Concurrency}", .. arguments], CancellationToken);

    /// <summary>The user's part: Clusters and Machines.</summary>
    public async Task CreateClustersAsync()
    {
        for (var index = 0; index < Count; index++)
        {
            var name = $"c{index}";
            _clusters.Add(await environment.CreateClusterAsync(name, CancellationToken));
            await environment.GiveKubeconfigAsync(_clusters[^1], CancellationToken);
            await environment.ManagementObjects.CreateAsync(Machines, Machine(name), CancellationToken);
        }

        var wanted = new JsonObject {
            ["addons"] = new JsonObject { ["registry"] = new JsonObject { ["auth"] = new JsonObject { ["generate"] = true } } } };
        await environment.ManagementObjects.MergePatchAsync(
            AdminClient.Clusters("default"), "c1", Variable((JsonObject)wanted.DeepClone()), CancellationToken);
        _clusters[0] = _clusters[0] with { Annotations = Asked("renew") };
        _clusters[1] = _clusters[1] with { Annotations = Asked("rotate-password"), ClusterConfig = wanted };
    }

    /// <summary>The service's part, as a version with this version of the chart does it.</summary>
    public async Task InstallAsync(string chartVersion)
    {
        await using var service = await StartAsync("--chart-version", chartVersion);
        await UntilServedAsync(service, _ => true);
        await AnnotateAsync(AdminClient.Clusters("default"), "c0", ("renew", "first"));
        await AnnotateAsync(AdminClient.Clusters("default"), "c1", ("rotate-password", "first"));
        using (var capi = service.CreateClusterApi())
            Assert.Equal("Success", (await capi.CallAsync(Version, "BeforeClusterUpgrade", _clusters[0], CancellationToken)).Status);
        await AnnotateAsync(HookSecrets, Root, ("rotate-ca", "first"));
        await UntilServedAsync(service, releases => service.Log.Contains($"Deleted Secret {HookService.Namespace}/{Root}-next",
            StringComparison.Ordinal) && releases.Select(Issuer).Distinct().Count() == 1);
    }

    /// <summary>Plays the pods of all registries until their Clusters are ready and a condition holds.</summary>
    /// <returns>How many registries were being changed at once, at most.</returns>
    public async Task<int> UntilServedAsync(HookService service, Func<IReadOnlyList<JsonObject>, bool> isDone)
    {
        var most = 0;
        await Polling.UntilAsync("registries that serve", async () =>
        {
            var releases = await environment.ManagementObjects.ListAsync(Releases, CancellationToken);
            var inProgress = releases.Where(release => Annotation(release, "release-served") != Annotation(release, "release-revision"))
                .ToList();
            most = Math.Max(most, inProgress.Count);
            var waiting = releases.Where(release => inProgress.Contains(release)
                || Annotation(release, "certificate-served") != Annotation(release, "certificate-serial")).ToList();
            foreach (var release in waiting)
                await SeenServedAsync(release);
            return releases.Count == Count && waiting.Count == 0 && isDone(releases);
        }, () => service.Log, CancellationToken);
        await service.WaitForMetricAsync($"capi_registry_hook_clusters{{phase=\"ready\"}} {Count}", CancellationToken);
        return most;
    }

    /// <summary>All that the service has written, by place.</summary>
    public async Task<SortedDictionary<string, string>> ReadAsync()
    {
        var texts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (cluster, collection) in Collections())
        {
            foreach (var item in await Objects(cluster).ListAsync(collection, CancellationToken))
            {
                if (Written(collection, item) is not { } written)
                    continue;
                foreach (var (place, text) in ReleaseFixture.Flatten($"{cluster}|{collection}|{item["metadata"]!["name"]}", written))
                    texts[place] = text;
            }
        }

        return texts;
    }

    /// <summary>Removes what the service has written and puts these objects there, as the service itself applies them.</summary>
    public async Task ReplaceAsync(SortedDictionary<string, string> texts)
    {
        foreach (var (cluster, collection) in Collections()
            .Where(place => !place.Collection.EndsWith("/clusters", StringComparison.Ordinal)))
        {
            foreach (var item in await Objects(cluster).ListAsync(collection, CancellationToken))
            {
                if (Written(collection, item) is not null)
                    await Objects(cluster).DeleteIfThereAsync(collection, (string)item["metadata"]!["name"]!, CancellationToken);
            }
        }

        foreach (var item in texts.GroupBy(entry => string.Join('|', entry.Key.Split('|')[..3])))
        {
            var place = item.Key.Split('|');
            var value = ReleaseFixture.Unflatten(item.Select(entry => (entry.Key[item.Key.Length..], entry.Value)));
            await Objects(place[0]).ApplyAsync(place[1], place[2], value, CancellationToken);
        }
    }

    /// <summary>The environment is cleared by the next test, but of Machines.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var cluster in _clusters)
            await environment.ManagementObjects.DeleteIfThereAsync(Machines, MachineOf(cluster.Name), CancellationToken.None);
    }

    private static (string Cluster, string Collection)[] Collections() =>
    [
        ("management", HookSecrets), ("management", AdminClient.Secrets("default")), ("management", Releases),
        ("management", AdminClient.Clusters("default")), ("workload", AdminClient.Secrets("registry-system")),
    ];

    /// <summary>Null for what others have written.</summary>
    private static JsonObject? Written(string collection, JsonObject item)
    {
        var name = (string)item["metadata"]!["name"]!;
        if ((string?)item["type"] == "kubernetes.io/service-account-token" || name.EndsWith("-kubeconfig", StringComparison.Ordinal))
            return null;
        var written = (JsonObject)item.DeepClone();
        foreach (var field in Left)
            written["metadata"]!.AsObject().Remove(field);
        written.Remove("status");
        if (collection.EndsWith("/secrets", StringComparison.Ordinal))
            (written["apiVersion"], written["kind"]) = ("v1", "Secret");
        if (!collection.EndsWith("/clusters", StringComparison.Ordinal))
            return written;
        // Of a Cluster only the annotations and labels are ours, and uids are those of the Clusters of this run.
        return new JsonObject
        {
            ["apiVersion"] = written["apiVersion"]!.DeepClone(),
            ["kind"] = written["kind"]!.DeepClone(),
            ["metadata"] = new JsonObject
            {
                ["name"] = name,
                ["annotations"] = written["metadata"]!["annotations"]?.DeepClone(),
                ["labels"] = written["metadata"]!["labels"]?.DeepClone(),
            },
        };
    }

    private AdminClient Objects(string cluster) => cluster == "management" ? environment.ManagementObjects : environment.WorkloadObjects;

    private Task<JsonObject> SeenServedAsync(JsonObject release) => AnnotateAsync(Releases, (string)release["metadata"]!["name"]!,
        ("release-served", Annotation(release, "release-revision")), ("certificate-served", Annotation(release, "certificate-serial")));

    private Task<JsonObject> AnnotateAsync(string collection, string name, params (string Name, string? Value)[] annotations) =>
        environment.ManagementObjects.MergePatchAsync(collection, name, new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["annotations"] = new JsonObject(annotations.Select(annotation => KeyValuePair.Create<string, JsonNode?>(
                    Prefix + annotation.Name, annotation.Value))),
            },
        }, CancellationToken);

    private static string? Annotation(JsonObject release, string name) => (string?)release["metadata"]!["annotations"]![Prefix + name];

    private static string? Issuer(JsonObject release) => Annotation(release, "certificate-issuer");

    private static string MachineOf(string cluster) => $"upgrade-{cluster}";

    private static JsonObject Machine(string cluster) => new()
    {
        ["apiVersion"] = "cluster.x-k8s.io/v1beta2",
        ["kind"] = "Machine",
        ["metadata"] = new JsonObject
        {
            ["name"] = MachineOf(cluster),
            ["labels"] = new JsonObject { ["cluster.x-k8s.io/cluster-name"] = cluster },
        },
        ["spec"] = new JsonObject
        {
            ["clusterName"] = cluster,
            ["bootstrap"] = new JsonObject { ["dataSecretName"] = cluster },
            ["infrastructureRef"] = new JsonObject
            {
                ["apiGroup"] = "infrastructure.cluster.x-k8s.io", ["kind"] = "InMemoryMachine", ["name"] = cluster,
            },
        },
    };

    private static Dictionary<string, string> Asked(string name) => new() { [Prefix + name] = "first" };

    private static JsonObject Variable(JsonObject value) => new()
    {
        ["spec"] = new JsonObject
        {
            ["topology"] = new JsonObject
            {
                ["variables"] = new JsonArray(new JsonObject
                {
                    ["name"] = "clusterConfig",
                    ["value"] = value,
                }),
            },
        },
    };
}
