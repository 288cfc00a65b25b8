using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.EndToEnd.Tests.Delivery;
using CapiRegistryHook.EndToEnd.Tests.Delivery.Syncing;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// <c>preflight</c> on real API servers: a site where all is well, then the same with one thing wrong at a time. Registries of images are
/// out of reach, which is a warning and no failure.
/// </summary>
[Collection(OnApiServers.Name)]
public sealed class PreflightTests(RealEnvironment fixture)
{
    private TestEnvironment? _site;

    private const string Class = "/apis/cluster.x-k8s.io/v1beta2/namespaces/default/clusterclasses";
    private const string Deployments = "/apis/apps/v1/namespaces/default/deployments";
    private const string StorageClasses = "/apis/storage.k8s.io/v1/storageclasses";
    private const string Services = "/api/v1/namespaces/default/services";
    private const string NodeLeases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_NothingWrong_PassesWithEveryCheck()
    {
        await SetUpAsync();

        var run = await RunAsync("default/c1");

        Assert.Equal("", run.Errors);
        var findings = Findings(run);
        Assert.Equal(0, run.ExitCode);
        Assert.All(
            findings, finding => Assert.True((string)finding["result"]! is "passed" || (string)finding["check"]! is "images", run.Output));
        Assert.Equal(
            ["add-on-crd", "add-on-provider", "addresses", "clock", "cluster-api", "cluster-class", "feature-gates", "images", "rights",
                "runtime-extension", "storage", "variable", "workload-api"],
            findings.Select(finding => (string)finding["check"]!).Distinct().Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Run_OneThingWrong_FailsAndNamesTheRemedy(string fault)
    {
        var (check, result, text, breaks) = All[fault];
        var site = await SetUpAsync();
        await breaks(site);

        var run = await RunAsync("default/c1");

        var findings = Findings(run).Where(item => (string)item["check"]! == check && (string)item["result"]! == result).ToList();
        var finding = Assert.Single(findings, item => ((string)item["finding"]!).Contains(text, StringComparison.Ordinal));
        Assert.NotEmpty((string)finding["remedy"]!);
        Assert.Equal(result == "failed" ? 1 : 0, run.ExitCode);
    }

    [Fact]
    public async Task Run_ManifestOfAClusterThatIsToCome_SkipsItsWorkloadCluster()
    {
        await SetUpAsync();
        await using var folder = ScratchFolder.Create("preflight-");
        var manifest = TestEnvironment.NewCluster("c2");
        manifest["metadata"]!["namespace"] = "default";
        await File.WriteAllTextAsync(folder["cluster.yaml"], manifest.ToJsonString(), CancellationToken);

        var run = await RunAsync("-f", folder["cluster.yaml"]);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Equal(["workload-api", "clock", "addresses", "storage"],
            Findings(run).Where(finding => (string)finding["result"]! == "skipped").Select(finding => (string)finding["check"]!));
    }

    /// <summary>Nothing is fetched but manifests; what fits is told too.</summary>
    [Theory]
    [InlineData("1Mi", "failed", 1)]
    [InlineData("10Gi", "passed", 0)]
    public async Task Run_ContentIsDeclared_IsHeldAgainstTheVolumes(string size, string result, int exitCode)
    {
        await using var site = await EmbeddedSite.StartAsync(CancellationToken);
        await using var source = await RealRegistry.StartAsync(CancellationToken);
        await SyncSite.WriteCaAsync(site, source, CancellationToken);
        await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, CancellationToken, size: 600_000);
        await SyncSite.CreateAsync(site, SyncSite.Content("base", source, "docker.io/test/app:1"), CancellationToken);
        var manifest = TestEnvironment.NewCluster("c2");
        manifest["metadata"]!["namespace"] = "default";
        manifest["spec"]!["topology"]!["variables"]![0]!["value"]!["addons"]!["registry"] =
            new JsonObject { ["storage"] = new JsonObject { ["size"] = size } };
        await File.WriteAllTextAsync(site.Folder["cluster.yaml"], manifest.ToJsonString(), CancellationToken);

        var run = await site.RunAsync(CancellationToken, ["preflight", "-f", site.Folder["cluster.yaml"], "-o", "json",
            "--sync-source-allow-cidrs", "127.0.0.0/8", .. site.Access]);

        var finding = Assert.Single(Findings(run), item => (string)item["check"]! == "content");
        Assert.Equal(result, (string)finding["result"]!);
        Assert.Contains("1 RegistryContent selects the Cluster, with 1.1 MiB", (string)finding["finding"]!, StringComparison.Ordinal);
        Assert.True(exitCode == 0 || run.ExitCode == exitCode, run.Output);
    }

    [Theory]
    [InlineData("says which Cluster is meant")]
    [InlineData("says which Cluster is meant", "default/c1", "-f", "-")]
    [InlineData("write NAMESPACE/NAME", "c1")]
    [InlineData("which can't be read", "-f", "/nowhere/cluster.yaml")]
    public async Task Run_WithoutOneCluster_SaysWhatToWrite(string sentence, params string[] arguments)
    {
        var run = await ProgramRun.RunAsync(HookService.ProgramPath(), ["preflight", .. arguments], CancellationToken);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(sentence, run.Errors, StringComparison.Ordinal);
    }

    public static TheoryData<string> Faults => [.. All.Keys];

    /// <summary>What goes wrong: the check that finds it, its result, words of its sentence, and how it comes about.</summary>
    private static Dictionary<string, (string Check, string Result, string Text, Func<TestEnvironment, Task> Breaks)> All { get; } = new()
    {
        ["variable that can't be"] = ("variable", "failed", "replicas", site => SetClusterAsync(site, "registry", """{"replicas": 99}""")),
        ["no registry requested"] = ("variable", "failed", "requests no registry", site => SetClusterAsync(site, "other", "{}")),
        ["old Cluster API"] = ("cluster-api", "warning", "v1.9.4",
        site => DeployAsync(site, "core", "cluster-api-controller:v1.9.4", Gates())),
        ["gate off"] = ("feature-gates", "failed", "RuntimeSDK",
            site => DeployAsync(site, "core", "cluster-api-controller:v1.13.4", Gates(runtime: "false"))),
        ["no add-on provider"] = ("add-on-provider", "warning", "no Deployment",
            site => site.ManagementObjects.DeleteIfThereAsync(Deployments, "helm", CancellationToken)),
        ["no ExtensionConfig"] = ("runtime-extension", "failed", "no ExtensionConfig",
            site => site.ManagementObjects.DeleteIfThereAsync(AdminClient.ExtensionConfigs, "capi-registry-hook", CancellationToken)),
        ["not discovered"] = ("runtime-extension", "failed", "x509: unknown authority", site => DiscoverAsync(site, [])),
        ["no ClusterClass"] = ("cluster-class", "failed", "no ClusterClass default/in-memory",
            site => site.ManagementObjects.DeleteIfThereAsync(Class, "in-memory", CancellationToken)),
        ["class without the patch"] = ("cluster-class", "failed", "no patch by generatepatches", site => WireAsync(site, "other")),
        ["account without rights"] = ("rights", "failed", "patch helmchartproxies", site => GrantAsync(site, ["get", "list", "create"])),
        ["kubeconfig of nobody"] = ("workload-api", "failed", "c1-kubeconfig", site => site.ManagementObjects.MergePatchAsync(
            AdminClient.Secrets("default"), "c1-kubeconfig",
            new JsonObject { ["data"] = new JsonObject { ["value"] = "bm9uc2Vuc2U=" } }, CancellationToken)),
        ["clock ahead"] = ("clock", "failed", "ahead", site => RenewLeaseAsync(site, TimeSpan.FromMinutes(30))),
        ["nodes silent"] = ("clock", "warning", "No node has renewed", site => RenewLeaseAsync(site, TimeSpan.FromMinutes(-30))),
        ["address taken"] = ("addresses", "failed", "default/squatter", site => site.WorkloadObjects.CreateAsync(Services, new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "squatter" },
            ["spec"] = new JsonObject { ["clusterIP"] = "10.96.0.20", ["ports"] = new JsonArray(new JsonObject { ["port"] = 80 }) },
        }, CancellationToken)),
        ["other service CIDR"] = ("addresses", "failed", "outside of 10.128.0.0/12", site => SetRangeAsync(site, "10.128.0.0/12")),
        ["no StorageClass"] = ("storage", "failed", "no default StorageClass",
            site => site.WorkloadObjects.DeleteIfThereAsync(StorageClasses, "standard", CancellationToken)),
        ["class that can't grow"] = ("storage", "warning", "can't grow", site => site.WorkloadObjects.MergePatchAsync(
            StorageClasses, "standard", new JsonObject { ["allowVolumeExpansion"] = false }, CancellationToken)),
    };

    private async Task<TestEnvironment> SetUpAsync()
    {
        var site = _site = await fixture.EmptyAsync(CancellationToken);
        using (var http = AdminHttp.Create(site.Management))
            await CustomResources.InstallClusterClassAsync(http, "v1beta2", "cluster.x-k8s.io", CancellationToken);
        await site.ManagementObjects.DeleteIfThereAsync(AdminClient.ExtensionConfigs, "capi-registry-hook", CancellationToken);
        await site.WorkloadObjects.DeleteIfThereAsync(Services, "squatter", CancellationToken);
        var cluster = await site.CreateClusterAsync("c1", CancellationToken);
        await site.GiveKubeconfigAsync(cluster, CancellationToken);
        await SetRangeAsync(site, "10.96.0.0/16");
        await DeployAsync(site, "core", "cluster-api-controller:v1.13.4", Gates());
        await DeployAsync(site, "helm", "cluster-api-helm-controller:v0.6.4", []);
        await DiscoverAsync(site, ["generatepatches-v2.capi-registry-hook"]);
        await WireAsync(site, "capi-registry-hook");
        await GrantAsync(site, ["get", "list", "create", "patch", "delete"]);
        await RenewLeaseAsync(site, TimeSpan.Zero);
        await ReplaceAsync(site.WorkloadObjects, StorageClasses, new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["name"] = "standard",
                ["annotations"] = new JsonObject { ["storageclass.kubernetes.io/is-default-class"] = "true" },
            },
            ["provisioner"] = "example.com/disk",
            ["allowVolumeExpansion"] = true,
        });
        return site;
    }

    private async Task<ProgramRun> RunAsync(params string[] arguments)
    {
        await using var folder = ScratchFolder.Create("preflight-");
        await File.WriteAllTextAsync(folder["kubeconfig"], _site!.Management.Kubeconfig, CancellationToken);
        return await ProgramRun.RunAsync(HookService.ProgramPath(),
            ["preflight", .. arguments, "-o", "json", "--kubeconfig", folder["kubeconfig"], "--workload-allow-cidrs", "127.0.0.0/8",
                "--service-account", "service", "--hook-namespace", HookService.Namespace], CancellationToken);
    }

    private static List<JsonNode> Findings(ProgramRun run) =>
        [.. JsonNode.Parse(run.Output)!["clusters"]![0]!["findings"]!.AsArray().Select(finding => finding!)];

    private static async Task ReplaceAsync(AdminClient objects, string collection, JsonObject value)
    {
        await objects.DeleteIfThereAsync(collection, (string)value["metadata"]!["name"]!, CancellationToken);
        await objects.CreateAsync(collection, value, CancellationToken);
    }

    private static Task<JsonObject> SetClusterAsync(TestEnvironment site, string addOn, string settings) =>
        site.ManagementObjects.MergePatchAsync(AdminClient.Clusters("default"), "c1", new JsonObject
        {
            ["spec"] = new JsonObject
            {
                ["topology"] = new JsonObject
                {
                    ["variables"] = new JsonArray(new JsonObject
                    {
                        ["name"] = "clusterConfig",
                        ["value"] = new JsonObject { ["addons"] = new JsonObject { [addOn] = JsonNode.Parse(settings) } },
                    }),
                },
            },
        }, CancellationToken);

    private static Task<JsonObject> SetRangeAsync(TestEnvironment site, string range) => site.ManagementObjects.MergePatchAsync(
        AdminClient.Clusters("default"), "c1", new JsonObject
        {
            ["spec"] = new JsonObject
            {
                ["clusterNetwork"] = new JsonObject { ["services"] = new JsonObject { ["cidrBlocks"] = new JsonArray(range) } },
            },
        }, CancellationToken);

    private static string[] Gates(string runtime = "true") =>
        ["--leader-elect", $"--feature-gates=ClusterTopology=true,RuntimeSDK={runtime}"];

    private static Task DeployAsync(TestEnvironment site, string name, string image, string[] arguments) =>
        ReplaceAsync(site.ManagementObjects, Deployments, new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["cluster.x-k8s.io/provider"] = name } },
            ["spec"] = new JsonObject
            {
                ["selector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["app"] = name } },
                ["template"] = new JsonObject
                {
                    ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["app"] = name } },
                    ["spec"] = new JsonObject
                    {
                        ["containers"] = new JsonArray(new JsonObject
                        {
                            ["name"] = "manager",
                            ["image"] = $"registry.example.com:5000/cluster-api/{image}",
                            ["args"] = new JsonArray([.. arguments.Select(argument => JsonValue.Create(argument))]),
                        }),
                    },
                },
            },
        });

    private static async Task DiscoverAsync(TestEnvironment site, string[] handlers)
    {
        await ReplaceAsync(site.ManagementObjects, AdminClient.ExtensionConfigs, new JsonObject
        {
            ["apiVersion"] = "runtime.cluster.x-k8s.io/v1beta2",
            ["kind"] = "ExtensionConfig",
            ["metadata"] = new JsonObject { ["name"] = "capi-registry-hook" },
            ["spec"] = new JsonObject { ["clientConfig"] = new JsonObject { ["url"] = "https://hooks.example.com" } },
        });
        await site.ManagementObjects.MergePatchAsync(AdminClient.ExtensionConfigs, "capi-registry-hook/status", new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["conditions"] = new JsonArray(new JsonObject
                {
                    ["type"] = "Discovered", ["status"] = handlers.Length > 0 ? "True" : "False", ["reason"] = "Tested",
                    ["message"] = handlers.Length > 0 ? "All handlers are known." : "x509: unknown authority",
                    ["lastTransitionTime"] = "2026-01-01T00:00:00Z",
                }),
                ["handlers"] = new JsonArray([.. handlers.Select(handler => new JsonObject
                {
                    ["name"] = handler,
                    ["requestHook"] = new JsonObject { ["apiVersion"] = "hooks.runtime.cluster.x-k8s.io/v1alpha1",
                    ["hook"] = "GeneratePatches" },
                    ["timeoutSeconds"] = 10,
                    ["failurePolicy"] = "Fail",
                })]),
            },
        }, CancellationToken);
    }

    private static Task WireAsync(TestEnvironment site, string extension) => ReplaceAsync(site.ManagementObjects, Class, new JsonObject
    {
        ["apiVersion"] = "cluster.x-k8s.io/v1beta2",
        ["kind"] = "ClusterClass",
        ["metadata"] = new JsonObject { ["name"] = "in-memory" },
        ["spec"] = new JsonObject
        {
            ["controlPlane"] = Template("KubeadmControlPlaneTemplate"),
            ["infrastructure"] = Template("DevClusterTemplate"),
            ["patches"] = new JsonArray(new JsonObject
            {
                ["name"] = "registry",
                ["external"] = new JsonObject
                {
                    ["generatePatchesExtension"] = $"generatepatches-v2.{extension}",
                    ["validateTopologyExtension"] = $"validatetopology-v1.{extension}",
                    ["discoverVariablesExtension"] = $"discovervariables-v1.{extension}",
                },
            }),
        },
    });

    private static JsonObject Template(string kind) => new()
    {
        ["templateRef"] = new JsonObject { ["apiVersion"] = "example.cluster.x-k8s.io/v1", ["kind"] = kind, ["name"] = "template" },
    };

    private static async Task GrantAsync(TestEnvironment site, string[] verbs)
    {
        const string Rbac = "/apis/rbac.authorization.k8s.io/v1";
        await ReplaceAsync(site.ManagementObjects, $"{Rbac}/clusterroles", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "preflight" },
            ["rules"] = new JsonArray(
                Rule(["get", "list", "create", "patch"], "", "secrets"), Rule(["get", "list", "patch"], "cluster.x-k8s.io", "clusters"),
                Rule(["list"], "cluster.x-k8s.io", "machines"), Rule(verbs, "addons.cluster.x-k8s.io", "helmchartproxies"),
                Rule(["create"], "events.k8s.io", "events")),
        });
        await ReplaceAsync(site.ManagementObjects, $"{Rbac}/clusterrolebindings", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "preflight" },
            ["roleRef"] = new JsonObject
            {
                ["apiGroup"] = "rbac.authorization.k8s.io", ["kind"] = "ClusterRole", ["name"] = "preflight",
            },
            ["subjects"] = new JsonArray(new JsonObject
            {
                ["kind"] = "ServiceAccount", ["namespace"] = HookService.Namespace, ["name"] = "service",
            }),
        });
    }

    private static JsonObject Rule(string[] verbs, string group, string resource) => new()
    {
        ["apiGroups"] = new JsonArray(group), ["resources"] = new JsonArray(resource),
        ["verbs"] = new JsonArray([.. verbs.Select(verb => JsonValue.Create(verb))]),
    };

    private static Task RenewLeaseAsync(TestEnvironment site, TimeSpan ahead) =>
        ReplaceAsync(site.WorkloadObjects, NodeLeases, new JsonObject
    {
        ["metadata"] = new JsonObject { ["name"] = "node-1" },
        ["spec"] = new JsonObject
        {
            ["holderIdentity"] = "node-1",
            ["renewTime"] = (TimeProvider.System.GetUtcNow() + ahead).UtcDateTime.ToString(
                "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", System.Globalization.CultureInfo.InvariantCulture),
        },
    });
}
