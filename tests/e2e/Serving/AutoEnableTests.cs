using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Serving;

/// <summary>The admission webhook before a real API server: rendered by the chart, with the chart's rights, and under its own CA.</summary>
[Collection(OnApiServers.Name)]
public sealed class AutoEnableTests(RealEnvironment real, EmbeddedEnvironment embedded) : IAsyncDisposable
{
    private const string Definition = "clusterclasses.cluster.x-k8s.io";
    private const string Requested = """{"replicas":3}""";

    private static readonly string[] Values =
    [
        "certificate.mode=selfManaged", $"extensionConfig.name={PublishedAuthority.Extension}", "rbac.namespaces={default}",
        "reconciler.enabled=false", "networkPolicy.enabled=false", "autoEnable.enabled=true", "autoEnable.settings.replicas=3",
        "autoEnable.objectSelector.matchLabels.registry=auto",
    ];

    private readonly LoopbackAuthority _callers = LoopbackAuthority.Create(TimeProvider.System);
    private readonly ScratchFolder _folder = ScratchFolder.Create("auto-enable-");
    private TestEnvironment? _environment;
    private HttpClient? _http;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    private static string Webhooks => AdminClient.MutatingWebhooks;

    private AdminClient Objects => _environment!.ManagementObjects;

    public async ValueTask DisposeAsync()
    {
        if (_environment is not null)
            await Objects.DeleteIfThereAsync(Webhooks, HookChart.Release, CancellationToken.None);

        _http?.Dispose();
        await _folder.DisposeAsync();
        _callers.Dispose();
    }

    /// <summary>Hooks ask for client certificates, which this API server has none of.</summary>
    [Fact]
    public async Task Webhook_OnARealApiServer_PatchesNewClustersThroughARotationAndIsIgnoredWhenDown()
    {
        var service = await StartAsync();
        try
        {
            await AssertFormsAsync();
            await AssertOthersAsync();
            await AssertRotationAsync(service);
        }
        finally
        {
            await service.DisposeAsync();
        }

        var (registry, warning) = await CreateAsync("down", "v1beta2", "{}");
        Assert.Equal(("", ""), (registry, warning));
    }

    /// <summary>Every form of the variable, in both versions of the API.</summary>
    private async Task AssertFormsAsync()
    {
        foreach (var version in new[] { "v1beta1", "v1beta2" })
        {
            await AssertAsync(Requested, version, "{}");
            await AssertAsync(Requested, version, """{"variables":[]}""");
            await AssertAsync(Requested, version, """{"variables":[{"name":"other","value":1}]}""");
            await AssertAsync(Requested, version, """{"variables":[{"name":"clusterConfig","value":{}}]}""");
            await AssertAsync(
                Requested, version,
                """{"variables":[{"name":"other","value":1},{"name":"clusterConfig","value":{"addons":{"cni":{}}}}]}""");
            await AssertAsync("{}", version, """{"variables":[{"name":"clusterConfig","value":{"addons":{"registry":{}}}}]}""");
            await AssertAsync("null", version, """{"variables":[{"name":"clusterConfig","value":{"addons":{"registry":null}}}]}""");
            await AssertAsync("", version, """{"variables":[{"name":"clusterConfig","value":{"addons":null}}]}""");
        }
    }

    private async Task AssertOthersAsync()
    {
        await AssertAsync("", "v1beta2", "{}", cluster => cluster["metadata"]!["labels"] = new JsonObject { ["registry"] = "none" });
        await AssertAsync("", "v1beta2", "{}", cluster =>
            cluster["metadata"]!["annotations"] = new JsonObject { ["capi-registry-hook.io/skip-auto-enable"] = "" });
        await AssertAsync("", "v1beta2", "{}", cluster => cluster["spec"]!["controlPlaneRef"] = new JsonObject
        {
            ["apiGroup"] = "controlplane.cluster.x-k8s.io",
            ["kind"] = "KubeadmControlPlane",
            ["name"] = "moved",
        });
        await AssertAsync("", "v1beta2", """{"classRef":{"name":"plain"}}""");
        await AssertAsync(Requested, "v1beta2", "{}", cluster =>
        {
            cluster["metadata"]!.AsObject().Remove("name");
            cluster["metadata"]!["generateName"] = "c-";
        });
        var (registry, warning) = await CreateAsync("c1", "v1beta2", """{"classRef":{"name":"missing"}}""");
        Assert.Equal("", registry);
        Assert.Contains("No registry was requested: the variables of the ClusterClass default/missing are not known yet.", warning,
            StringComparison.Ordinal);
    }

    /// <summary>Clusters are created all the time; a handshake that failed would be ignored, and leave one without a registry.</summary>
    private async Task AssertRotationAsync(HookService service)
    {
        var authority = new PublishedAuthority(Objects);
        var former = await authority.InjectAsync(CancellationToken);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(CancellationToken);
        var load = Task.WhenAll(Enumerable.Range(0, 2).Select(worker => CreateUntilAsync($"load-{worker}", enough.Token)));
        await authority.RotateAsync("test", CancellationToken);
        await Polling.UntilAsync(
            "the next authority", async () => await authority.ReadAsync(CancellationToken) != former, () => service.Log, CancellationToken);
        var both = await authority.InjectAsync(CancellationToken);
        var next = PublishedAuthority.Added(both, former);
        await Polling.UntilAsync(
            "a certificate of the next authority", () => VerifyingClient.AcceptsAsync(service, next, CancellationToken),
            () => service.Log, CancellationToken, TimeSpan.FromSeconds(90));
        await AssertAsync(Requested, "v1beta2", "{}");
        await enough.CancelAsync();

        var created = await load;
        Assert.All(created, count => Assert.True(count > 10, $"{count} Clusters."));
        var bundle = (await Objects.GetAsync(Webhooks, HookChart.Release, CancellationToken))["webhooks"]![0]!["clientConfig"]!["caBundle"];
        Assert.Equal(both, Encoding.ASCII.GetString(Convert.FromBase64String((string)bundle!)));
        TestContext.Current.SendDiagnosticMessage($"{created.Sum()} Clusters were created during the rotation.");
    }

    private async Task<int> CreateUntilAsync(string name, CancellationToken enough)
    {
        for (var count = 0; ; count++)
        {
            if (enough.IsCancellationRequested && count > 10)
                return count;
            Assert.Equal((Requested, ""), await CreateAsync(name, "v1beta2", "{}"));
        }
    }

    private async Task<HookService> StartAsync()
    {
        _environment = await real.EmptyAsync(CancellationToken);
        _http = AdminHttp.Create(_environment.Management);
        await CustomResources.InstallAsync(_http, [ClassDefinition()], CancellationToken);
        var golden = Path.Combine(RepositoryRoot.Find(), "tests", "unit", "testdata", "discovervariables", "default", "response.json");
        var variable = JsonNode.Parse(await File.ReadAllTextAsync(golden, CancellationToken))!["variables"]![0]!.AsObject();
        await TestClusterClass.CreateAsync(Objects, "v1beta2", "prod", variable, CancellationToken);
        variable["name"] = "other";
        await TestClusterClass.CreateAsync(Objects, "v1beta2", "plain", variable, CancellationToken);
        var kubeconfig = await InstalledAccess.GrantAsync(_environment, CancellationToken, Values);
        await new PublishedAuthority(Objects).CreateExtensionAsync(CancellationToken);

        var rendered = await HookChart.RenderAsync(CancellationToken, [.. Values.SelectMany(value => new[] { "--set", value })]);
        var chosen = rendered.One("Deployment", HookChart.Release)["spec"]!["template"]!["spec"]!["containers"]![0]!["args"]!.AsArray()
            .Select(argument => (string)argument!).Where(argument => argument.StartsWith("--auto-enable", StringComparison.Ordinal));
        var service = await HookService.StartAsync(
            kubeconfig,
            [.. PublishedAuthority.Arguments, .. chosen, "--client-ca-file", _folder.Write("ca.crt", _callers.CertificatePem)],
            CancellationToken);
        await RegisterAsync(rendered.One("MutatingWebhookConfiguration", HookChart.Release), service);
        return service;
    }

    /// <summary>As the chart has it, but by address: there is no network of Services here. The service adds the caBundle.</summary>
    private async Task RegisterAsync(JsonObject webhook, HookService service)
    {
        var client = webhook["webhooks"]![0]!["clientConfig"]!.AsObject();
        client["url"] = new Uri(service.Address, (string)client["service"]!["path"]!).ToString();
        client.Remove("service");
        await Objects.CreateAsync(Webhooks, webhook, CancellationToken);
        await Polling.UntilAsync(
            "a Cluster that gets a registry", async () => (await CreateAsync("first", "v1beta2", "{}")).Registry == Requested,
            () => service.Log + ApiServerLog(), CancellationToken, TimeSpan.FromSeconds(90));
    }

    /// <summary>A webhook whose failures are ignored says why in this log alone.</summary>
    private string ApiServerLog() => string.Concat(
        Directory.GetFiles(((RealApiServer)_environment!.Management).Folder, "kube-apiserver-*.log").SelectMany(File.ReadLines)
            .Where(line => line.Contains("webhook", StringComparison.Ordinal)).TakeLast(20).Select(line => line + "\n"));

    private async Task AssertAsync(string registry, string version, string topology, Action<JsonObject>? change = null) =>
        Assert.Equal((registry, ""), await CreateAsync("c1", version, topology, change));

    /// <summary>Creates a Cluster in a dry run.</summary>
    /// <returns>Its addons.registry, empty when there is none, and the warning.</returns>
    private async Task<(string Registry, string Warning)> CreateAsync(
        string name, string version, string topology, Action<JsonObject>? change = null)
    {
        var spec = JsonNode.Parse(topology)!.AsObject();
        spec["version"] = "v1.34.0";
        if (version == "v1beta1")
            spec["class"] = "prod";
        else
            spec["classRef"] ??= new JsonObject { ["name"] = "prod" };
        var cluster = new JsonObject
        {
            ["apiVersion"] = $"cluster.x-k8s.io/{version}",
            ["kind"] = "Cluster",
            ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["registry"] = "auto" } },
            ["spec"] = new JsonObject { ["topology"] = spec },
        };
        change?.Invoke(cluster);
        using var content = new StringContent(cluster.ToJsonString(), Encoding.UTF8, "application/json");
        using var answer = await _http!.PostAsync(
            new Uri(AdminClient.Clusters("default", version) + "?dryRun=All", UriKind.Relative), content, CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(CancellationToken);
        Assert.True(answer.StatusCode == HttpStatusCode.Created, text);
        var variable = (JsonNode.Parse(text)!["spec"]!["topology"]!["variables"] as JsonArray)?
            .SingleOrDefault(entry => (string?)entry!["name"] == "clusterConfig");
        var addons = variable?["value"]?["addons"] as JsonObject;
        var registry = addons is not null && addons.TryGetPropertyValue("registry", out var found) ? found?.ToJsonString() ?? "null" : "";
        // The definition says that v1beta1 is deprecated.
        var warnings = answer.Headers.TryGetValues("Warning", out var sent) ? sent : [];
        return (registry, string.Concat(warnings.Where(warning => !warning.Contains("deprecated", StringComparison.Ordinal))));
    }

    /// <summary>The rules that auto-enable adds to the chart's, and the calls that it makes: neither has more than the other.</summary>
    [Fact]
    public async Task Rules_AreTheCallsThatAreMade()
    {
        var environment = await embedded.EmptyAsync(CancellationToken);
        var management = (EmbeddedApiServer)environment.Management;
        await environment.ManagementObjects.DeleteIfThereAsync(Webhooks, HookChart.Release, CancellationToken);
        var webhook = (await RenderAsync("true")).One("MutatingWebhookConfiguration", HookChart.Release);
        await environment.ManagementObjects.CreateAsync(Webhooks, webhook, CancellationToken);
        management.ClearCalls();
        await using var service = await HookService.StartAsync(
            management.Kubeconfig,
            ["--tls-source", "SelfManaged", "--tls-names", "127.0.0.1", "--auto-enable", "On", "--auto-enable-webhook", HookChart.Release,
                "--auto-enable-ca-secret", $"{HookService.Namespace}/{PublishedAuthority.PublicSecret}"],
            CancellationToken);
        await service.WaitForLogAsync("The caBundle of the MutatingWebhookConfiguration capi-registry-hook was updated", CancellationToken);
        using var http = ClusterApi.CreateHttpClient(
            service.Address, await new PublishedAuthority(environment.ManagementObjects).ReadAsync(CancellationToken));
        using var content = new StringContent(Review, Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri("/admission/auto-enable", UriKind.Relative), content, CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

        var made = management.Calls.Select(call => (call.Verb == "apply" ? "patch" : call.Verb, call.Group, call.Resource))
            .Where(call => call.Item3 is "clusterclasses" or "mutatingwebhookconfigurations").ToHashSet();
        var added = Rights(await RenderAsync("true")).Except(Rights(await RenderAsync("false")));
        Assert.Equal(added.Order(), made.Order());
    }

    private static Task<IReadOnlyList<JsonObject>> RenderAsync(string isEnabled) => HookChart.RenderAsync(
        CancellationToken, "--set", $"certificate.mode=selfManaged,networkPolicy.enabled=false,autoEnable.enabled={isEnabled}");

    private static IEnumerable<(string Verb, string Group, string Resource)> Rights(IReadOnlyList<JsonObject> rendered) =>
        rendered.Where(item => item.Kind() is "Role" or "ClusterRole").SelectMany(role => role.Rights()).Distinct();

    /// <summary>As much of a ClusterClass as is read; the official definition has hundreds of fields that it requires.</summary>
    private static JsonObject ClassDefinition() => new()
    {
        ["apiVersion"] = "apiextensions.k8s.io/v1",
        ["kind"] = "CustomResourceDefinition",
        ["metadata"] = new JsonObject { ["name"] = Definition },
        ["spec"] = new JsonObject
        {
            ["group"] = "cluster.x-k8s.io",
            ["scope"] = "Namespaced",
            ["names"] = new JsonObject { ["kind"] = "ClusterClass", ["plural"] = "clusterclasses", ["singular"] = "clusterclass",
                ["listKind"] = "ClusterClassList" },
            ["versions"] = new JsonArray(ServedVersion("v1beta1", isStored: false), ServedVersion("v1beta2", isStored: true)),
        },
    };

    private static JsonObject ServedVersion(string name, bool isStored) => new()
    {
        ["name"] = name,
        ["served"] = true,
        ["storage"] = isStored,
        ["subresources"] = new JsonObject { ["status"] = new JsonObject() },
        ["schema"] = new JsonObject
        {
            ["openAPIV3Schema"] = new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true },
        },
    };

    private const string Review = """
        {
          "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
          "request": {
            "uid": "u1", "kind": { "group": "cluster.x-k8s.io", "version": "v1beta2", "kind": "Cluster" },
            "operation": "CREATE", "namespace": "default",
            "object": {
              "apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster", "metadata": { "name": "c1" },
              "spec": { "topology": { "classRef": { "name": "prod" }, "version": "v1.34.0" } }
            }
          }
        }
        """;
}
