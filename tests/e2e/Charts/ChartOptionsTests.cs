using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>Options that both charts have in common, and ways to the registry from outside, as Helm renders them.</summary>
public sealed class ChartOptionsTests
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>TLS ends at the registry, whose certificate clients see. Nothing else is needed.</summary>
    [Theory]
    [InlineData("v1alpha2")]
    [InlineData("v1alpha3", "v1alpha2", "v1alpha3")]
    [InlineData("v1", "v1alpha2", "v1alpha3", "v1")]
    public async Task Gateway_TlsRoute_PassesToThePrimaryInTheNewestVersion(string version, params string[] served)
    {
        var objects = await RenderAsync("registry", ["--set", "gateway.enabled=true,gateway.hosts={a.test},gateway.parentRefs[0].name=edge",
            .. served.SelectMany(name => new[] { "--api-versions", $"gateway.networking.k8s.io/{name}/TLSRoute" })]);

        var route = objects.One("TLSRoute", "registry");
        Assert.Equal($"gateway.networking.k8s.io/{version}", (string)route["apiVersion"]!);
        Assert.Equal("""{"name":"registry-primary","port":443}""", route["spec"]!["rules"]![0]!["backendRefs"]![0]!.ToJsonString());
        Assert.DoesNotContain(objects, entry => entry.Kind() == "BackendTLSPolicy");
    }

    /// <summary>A gateway that ends TLS verifies the registry under a name that its certificate has.</summary>
    [Fact]
    public async Task Gateway_HttpRoute_VerifiesTheRegistry()
    {
        var objects = await CaseAsync("registry", "gateway-http");

        var policy = objects.One("BackendTLSPolicy", "registry-primary")["spec"]!;
        Assert.Equal("registry-primary", (string)objects.One("HTTPRoute", "registry")["spec"]!["rules"]![0]!["backendRefs"]![0]!["name"]!);
        Assert.Equal("registry-primary", (string)policy["targetRefs"]![0]!["name"]!);
        Assert.Equal(
            """{"caCertificateRefs":[{"group":"","kind":"Secret","name":"registry-tls"}],"hostname":"registry-primary.registry-system.svc.cluster.local"}""",
            policy["validation"]!.ToJsonString());
    }

    [Theory]
    [InlineData("registry", "registry")]
    [InlineData("registry", "registry-primary")]
    [InlineData("capi-registry-hook", "capi-registry-hook")]
    public async Task LoadBalancer_AddressRangesAndPolicy_AreTheServices(string chart, string service)
    {
        var spec = (await CaseAsync(chart, "load-balancer")).One("Service", service)["spec"]!;

        Assert.Equal("LoadBalancer", (string)spec["type"]!);
        Assert.StartsWith("192.0.2.2", (string)spec["loadBalancerIP"]!, StringComparison.Ordinal);
        Assert.Equal("192.0.2.0/24", (string)spec["loadBalancerSourceRanges"]![0]!);
        Assert.Equal("Local", (string)spec["externalTrafficPolicy"]!);
    }

    /// <summary>Nodes pull from the registry, and Cluster API stops without its extension: both may displace ordinary pods.</summary>
    [Theory]
    [InlineData("registry")]
    [InlineData("capi-registry-hook")]
    public async Task Priority_ByDefault_IsThatOfTheClustersOwnServices(string chart)
    {
        Assert.Equal("system-cluster-critical", (string)Pod(await RenderAsync(chart))["spec"]!["priorityClassName"]!);
        Assert.Equal("platform", (string)Pod(await CaseAsync(chart, "extras"))["spec"]!["priorityClassName"]!);
    }

    [Theory]
    [InlineData("registry", "registry,regsync,guard,exporter")]
    [InlineData("capi-registry-hook", "capi-registry-hook,exporter")]
    public async Task ExtraContainers_Always_ComeLast(string chart, string names)
    {
        var spec = Pod(await CaseAsync(chart, "extras"))["spec"]!;

        Assert.Equal(names, string.Join(',', spec["containers"]!.AsArray().Select(container => (string)container!["name"]!)));
        Assert.Single(spec["initContainers"]!.AsArray());
    }

    /// <summary>The Job of a garbage collection finds the container that collects by its place.</summary>
    [Fact]
    public async Task ExtraInitContainers_WithAGarbageCollection_RunAfterIt()
    {
        var pod = Pod(await RenderAsync("registry", "--set", "garbageCollection.enabled=true", "--set",
            "extraInitContainers[0].name=restore,extraInitContainers[0].image=registry.example.com/restore:1"));

        Assert.Equal(["collect", "restore"], pod["spec"]!["initContainers"]!.AsArray().Select(container => (string)container!["name"]!));
    }

    /// <summary>
    /// A new cluster has one node at first. Replicas that only prefer other nodes all start there and stay; those that must keep apart
    /// wait for the second node.
    /// </summary>
    [Theory]
    [InlineData("Preferred", "preferredDuringSchedulingIgnoredDuringExecution")]
    [InlineData("Required", "requiredDuringSchedulingIgnoredDuringExecution")]
    public async Task Spread_OfReplicas_IsAWishOrARule(string spread, string rule)
    {
        var rules = Pod(await RenderAsync("registry", "--set", $"spread={spread}"))["spec"]!["affinity"]!["podAntiAffinity"]!.AsObject();

        Assert.Equal([rule], rules.Select(entry => entry.Key));
        var term = rules[rule]![0]!["podAffinityTerm"] ?? rules[rule]![0]!;
        Assert.Equal("kubernetes.io/hostname", (string)term["topologyKey"]!);
        Assert.Equal("registry", (string)term["labelSelector"]!["matchLabels"]!["app.kubernetes.io/component"]!);
    }

    /// <summary>Before 1.26 there is no way to leave nodes out of the count that the pods do not tolerate.</summary>
    [Theory]
    [InlineData("1.25.9", false)]
    [InlineData("1.26.0", true)]
    public async Task Spread_OfTheService_IsARuleFrom126(string kubernetes, bool rule)
    {
        var pod = Pod(await RenderAsync("capi-registry-hook", "--kube-version", kubernetes));
        var constraints = pod["spec"]!["topologySpreadConstraints"]!.AsArray().Select(constraint => (string)constraint!["topologyKey"]!);

        string[] wanted = rule ? ["kubernetes.io/hostname", "topology.kubernetes.io/zone"] : ["topology.kubernetes.io/zone"];
        Assert.Equal(wanted, constraints);
    }

    /// <summary>A pod that is broken anyway must not keep its node from being drained.</summary>
    [Theory]
    [InlineData("1.26.9", null)]
    [InlineData("1.27.0", "AlwaysAllow")]
    public async Task Budget_OfTheService_LetsBrokenPodsGoFrom127(string kubernetes, string? policy)
    {
        var budget = (await RenderAsync("capi-registry-hook", "--kube-version", kubernetes))
            .One("PodDisruptionBudget", "capi-registry-hook");

        Assert.Equal(policy, (string?)budget["spec"]!["unhealthyPodEvictionPolicy"]);
    }

    /// <summary>Where a policy names who may connect, helm test may too.</summary>
    [Theory]
    [InlineData("registry", "network-policy")]
    [InlineData("capi-registry-hook", "defaults")]
    public async Task NetworkPolicy_WithPeers_LetsTheTestIn(string chart, string name)
    {
        var objects = await CaseAsync(chart, name);
        var labels = objects.Single(entry => entry.Kind() == "Pod")["metadata"]!["labels"]!.AsObject();
        var peers = objects.One("NetworkPolicy", chart)["spec"]!["ingress"]![0]!["from"]!.AsArray();

        Assert.Contains(peers, peer => peer!["podSelector"]?["matchLabels"] is JsonObject selector
            && selector.All(label => (string?)labels[label.Key] == (string)label.Value!));
    }

    private static Task<IReadOnlyList<JsonObject>> CaseAsync(string chart, string name) =>
        RenderAsync(chart, "--values", ChartFolder.Open(chart).File($"ci/{name}-values.yaml"));

    private static Task<IReadOnlyList<JsonObject>> RenderAsync(string chart, params string[] arguments) =>
        new HelmProgram("helm3", release: chart).ObjectsAsync(ChartFolder.Open(chart).Path, CancellationToken, arguments);

    private static JsonObject Pod(IReadOnlyList<JsonObject> objects) =>
        Assert.Single(objects, entry => entry.Kind() is "StatefulSet" or "Deployment")["spec"]!["template"]!.AsObject();
}
