using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>What the service's own chart makes of its values, as Helm renders it.</summary>
public sealed partial class HookChartTests
{
    private const string Group = "runtime.cluster.x-k8s.io";

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>Not a value, because every value of the chart is an option already: a file of options.</summary>
    private static readonly string[] NoValues = ["--config"];

    [Fact]
    public async Task Arguments_OverAllCases_AreEveryOptionOfTheService()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(RepositoryRoot.Find(), "docs", "options.md"), CancellationToken);
        var options = Option().Matches(page).Select(match => match.Groups[1].Value).ToList();
        var set = new HashSet<string>();
        foreach (var file in HookChart.Folder.CaseFiles)
        {
            var objects = await HookChart.RenderAsync(CancellationToken, "--values", file);
            set.UnionWith(Arguments(objects).Concat(ArgumentsOf(objects, "sync")).Where(argument => argument.StartsWith('-'))
                .Select(argument => argument.Split('=')[0]));
        }

        Assert.NotEmpty(options);
        Assert.Equal(options.Order(StringComparer.Ordinal), set.Except(NoValues).Order(StringComparer.Ordinal));
    }

    /// <summary>
    /// The program itself judges the arguments of each case. Here it finds none of the files, and nothing else may be wrong.
    /// </summary>
    [Fact]
    public async Task Arguments_EachCase_AreAcceptedByTheService()
    {
        foreach (var file in HookChart.Folder.CaseFiles)
        {
            var objects = await HookChart.RenderAsync(CancellationToken, "--values", file);
            foreach (var arguments in new[] { Arguments(objects), ArgumentsOf(objects, "sync"), ArgumentsOf(objects, "prune") }.Where(
                arguments => arguments.Count > 0))
            {
                var run = await ProgramRun.RunAsync(HookService.ProgramPath(), arguments, CancellationToken);

                Assert.Equal(2, run.ExitCode);
                var problems = run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
                Assert.NotEmpty(problems);
                Assert.All(problems, problem => Assert.Matches(
                    "(names the file /etc/|/etc/[^ ]+ can't be read|names the folder /var/lib/|^KUBERNETES_SERVICE_HOST)", problem));
            }
        }
    }

    [Theory]
    [InlineData("1.20.2", "policy/v1beta1")]
    [InlineData("1.31.0", "policy/v1")]
    public async Task Budget_ByVersionOfKubernetes_IsOneThatIsServed(string kubernetes, string apiVersion)
    {
        var objects = await HookChart.RenderAsync(CancellationToken, "--kube-version", kubernetes);

        Assert.Equal(apiVersion, (string)objects.One("PodDisruptionBudget", HookChart.Release)["apiVersion"]!);
    }

    /// <summary>Older API servers refuse keywords of definitions that they do not know when Helm applies on the server.</summary>
    [Theory]
    [InlineData("1.24.9", false)]
    [InlineData("1.25.0", true)]
    public async Task Definition_ByVersionOfKubernetes_HasItsRulesWhereTheyAreKnown(string kubernetes, bool hasRules)
    {
        var objects = await HookChart.RenderAsync(CancellationToken, "--kube-version", kubernetes);
        var definition = objects.One("CustomResourceDefinition", "registrycontents.capi-registry-hook.io");
        var off = await HookChart.RenderAsync(CancellationToken, "--set", "crds.enabled=false");

        Assert.Equal(hasRules, definition.ToJsonString().Contains("x-kubernetes-validations", StringComparison.Ordinal));
        Assert.Equal("keep", (string)definition["metadata"]!["annotations"]!["helm.sh/resource-policy"]!);
        Assert.NotNull(definition["metadata"]!["labels"]!["clusterctl.cluster.x-k8s.io/move"]);
        Assert.DoesNotContain(off, entry => entry.Kind() == "CustomResourceDefinition");
    }

    [Theory]
    [InlineData("v1beta2")]
    [InlineData("v1alpha1", "v1alpha1")]
    [InlineData("v1beta2", "v1alpha1", "v1beta2")]
    [InlineData("v1beta2", "v1beta2")]
    public async Task ExtensionConfig_ByWhatIsServed_IsTheNewest(string wanted, params string[] served)
    {
        var objects =
            await HookChart.RenderAsync(
                CancellationToken, [.. served.SelectMany(version => new[] { "--api-versions", $"{Group}/{version}" })]);

        Assert.Equal($"{Group}/{wanted}", (string)objects.One("ExtensionConfig", HookChart.Release)["apiVersion"]!);
    }

    /// <summary>Everybody who verifies the service does it by the same Secret, under the name that is in its certificate.</summary>
    [Fact]
    public async Task Certificate_ByCertManager_IsWhatClusterApiAndTheAddOnProviderVerify()
    {
        var objects = await HookChart.RenderAsync(CancellationToken);

        var leaf = objects.One("Certificate", HookChart.Release)["spec"]!;
        var authority = objects.One("Certificate", $"{HookChart.Release}-ca")["spec"]!;
        var extension = objects.One("ExtensionConfig", HookChart.Release);
        var service = extension["spec"]!["clientConfig"]!["service"]!;
        var secret = $"{HookService.Namespace}/{leaf["secretName"]}";
        Assert.Equal($"{service["name"]}.{service["namespace"]}.svc", (string)Assert.Single(leaf["dnsNames"]!.AsArray())!);
        Assert.Equal(secret, (string)extension["metadata"]!["annotations"]![$"{Group}/inject-ca-from-secret"]!);
        Assert.Contains($"--chart-ca-secret={secret}", Arguments(objects));
        Assert.Contains($"--chart-repository=oci://{leaf["dnsNames"]![0]}:443/charts", Arguments(objects));
        Assert.Equal((string)leaf["secretName"]!, Volume(objects, "tls")["secret"]!["secretName"]!.GetValue<string>());
        Assert.Equal((string)authority["secretName"]!,
            (string)objects.One("Issuer", (string)leaf["issuerRef"]!["name"]!)["spec"]!["ca"]!["secretName"]!);
        Assert.Equal((true, "Never"), ((bool)authority["isCA"]!, (string)authority["privateKey"]!["rotationPolicy"]!));
    }

    /// <summary>
    /// The service publishes its authority where Cluster API and the add-on provider look for it, and may write nowhere else for that.
    /// </summary>
    [Fact]
    public async Task Certificate_SelfManaged_IsWhatClusterApiAndTheAddOnProviderVerify()
    {
        var objects = await HookChart.RenderAsync(
            CancellationToken, "--set", "certificate.mode=selfManaged,extensionConfig.name=registry,rbac.namespaces={team-a}");

        var arguments = Arguments(objects);
        var secret = $"{HookChart.Release}-tls";
        var extension = objects.One("ExtensionConfig", "registry");
        Assert.Contains($"--tls-names={HookChart.Release}.{HookService.Namespace}.svc", arguments);
        Assert.Contains($"--tls-public-secret-name={secret}", arguments);
        Assert.Contains($"--tls-authority-secret-name={HookChart.Release}-ca", arguments);
        Assert.Contains("--tls-extension-config=registry", arguments);
        Assert.Contains($"--chart-ca-secret={HookService.Namespace}/{secret}", arguments);
        Assert.Equal(
            $"{HookService.Namespace}/{secret}", (string)extension["metadata"]!["annotations"]![$"{Group}/inject-ca-from-secret"]!);
        Assert.DoesNotContain(objects, entry => entry.Kind() is "Certificate" or "Issuer");
        var rules = objects.One("Role", $"{HookChart.Release}-serving")["rules"]!;
        Assert.Equal([$"{HookChart.Release}-ca", secret], rules[0]!["resourceNames"]!.AsArray().Select(name => (string)name!));
        var asked = objects.One("ClusterRole", $"{HookService.Namespace}:{HookChart.Release}-serving")["rules"]![0]!;
        Assert.Equal("""["registry"] ["get"]""", $"{asked["resourceNames"]!.ToJsonString()} {asked["verbs"]!.ToJsonString()}");
    }

    [Fact]
    public async Task Certificate_OfAnotherRelease_FollowsItsName()
    {
        var helm = new HelmProgram("helm3", "two", "elsewhere");

        var objects = await helm.ObjectsAsync(HookChart.Folder.Path, CancellationToken, "--set", "service.port=8443");

        Assert.Contains("--chart-repository=oci://two-capi-registry-hook.elsewhere.svc:8443/charts", Arguments(objects));
        Assert.Contains("--chart-ca-secret=elsewhere/two-capi-registry-hook-tls", Arguments(objects));
        Assert.Equal(8443, (long)objects.One("ExtensionConfig", "two-capi-registry-hook")["spec"]!["clientConfig"]!["service"]!["port"]!);
        Assert.Equal("elsewhere:two-capi-registry-hook", objects.Single(entry => entry.Kind() == "ClusterRole").Name());
    }

    [Fact]
    public async Task RegistryValues_AsGiven_AreInTheFileThatTheServiceReads()
    {
        var objects = await HookChart.RenderAsync(
            CancellationToken, "--set-json", """registry.values={"replicas":3,"storage":{"size":"200Gi"},"note":"{{ x }}"}""");

        var file = (string)objects.One("ConfigMap", $"{HookChart.Release}-registry")["data"]!["values.yaml"]!;
        Assert.Equal(
            """{"note":"{{ x }}","replicas":3,"storage":{"size":"200Gi"}}""", Assert.Single(RenderedObjects.Read(file)).ToJsonString());
        Assert.Contains("--registry-values-file=/etc/capi-registry-hook/registry/values.yaml", Arguments(objects));
        Assert.Equal($"{HookChart.Release}-registry", (string)Volume(objects, "registry-values")["configMap"]!["name"]!);
    }

    [Theory]
    [InlineData(true, 15)]
    [InlineData(false, 6)]
    public async Task Alerts_EachExpression_UsesMetricsThatExist(bool reconciler, int count)
    {
        var objects = await HookChart.RenderAsync(
            CancellationToken, "--set", "metrics.prometheusRule.enabled=true", "--set",
            $"reconciler.enabled={(reconciler ? "true" : "false")}");

        var rules = objects.One("PrometheusRule", HookChart.Release)["spec"]!["groups"]![0]!["rules"]!.AsArray();
        Assert.Equal(count, rules.Count);
        await AssertMetricsExistAsync(rules.Select(rule => (string)rule!["expr"]!));
    }

    [Fact]
    public async Task Dashboard_EachPanel_UsesMetricsThatExist()
    {
        var objects = await HookChart.RenderAsync(CancellationToken, "--set", "metrics.dashboard.enabled=true");

        var map = objects.One("ConfigMap", $"{HookChart.Release}-dashboard");
        Assert.Equal("1", (string?)map["metadata"]!["labels"]!["grafana_dashboard"]);
        var dashboard = JsonNode.Parse((string)map["data"]![$"{HookChart.Release}.json"]!)!;
        var panels = dashboard["panels"]!.AsArray();
        Assert.Equal(panels.Count, panels.Select(panel => (int)panel!["id"]!).Distinct().Count());
        await AssertMetricsExistAsync(panels.SelectMany(panel => panel!["targets"]!.AsArray()).Select(target => (string)target!["expr"]!));
    }

    private static async Task AssertMetricsExistAsync(IEnumerable<string> expressions)
    {
        var page = await File.ReadAllTextAsync(Path.Combine(RepositoryRoot.Find(), "docs", "metrics.md"), CancellationToken);
        var known = Documented().Matches(page).Select(match => match.Groups[1].Value).ToHashSet();
        var used = expressions.Select(expression => Metric().Matches(expression).Select(match => match.Value).ToList()).ToList();
        Assert.NotEmpty(used);
        Assert.All(used, Assert.NotEmpty);
        Assert.All(used.SelectMany(names => names), name => Assert.Contains(Bucket().Replace(name, ""), known));
    }

    [Fact]
    public async Task Termination_HasTimeForTheDrainAndTheLongestCall()
    {
        var objects = await HookChart.RenderAsync(CancellationToken, "--set", "drainSeconds=60");

        Assert.Contains("--drain-delay=60s", Arguments(objects));
        Assert.True((long)Pod(objects)["spec"]!["terminationGracePeriodSeconds"]! > 60 + 10);
    }

    [Fact]
    public async Task Version_OfChartAndService_AreTheSame()
    {
        var chart = Assert.Single(
            RenderedObjects.Read(await File.ReadAllTextAsync(HookChart.Folder.File("Chart.yaml"), CancellationToken)));

        var service = (await ProgramRun.OutputOfAsync(HookService.ProgramPath(), ["--version"], CancellationToken)).Trim();

        Assert.Equal((service, service), ((string)chart["version"]!, (string)chart["appVersion"]!));
    }

    [Theory]
    [InlineData("extensionConfig.caBundle can't follow the authority of certificate.mode selfManaged",
        "certificate.mode=selfManaged,extensionConfig.caBundle=-----BEGIN CERTIFICATE-----")]
    [InlineData("certificate.selfManaged.extraNames has no effect with certificate.mode certManager",
        "certificate.selfManaged.extraNames={x}")]
    [InlineData("extraNames", "certificate.mode=selfManaged,certificate.selfManaged.extraNames={a b}")]
    [InlineData("certificate.existingSecret is empty", "certificate.mode=existingSecret")]
    [InlineData("certificate.existingSecret is x, but certificate.mode is certManager", "certificate.existingSecret=x")]
    [InlineData("certificate.certManager.issuerRef has no name", "certificate.certManager.issuerRef.kind=ClusterIssuer")]
    [InlineData("registry.chart.caSecret needs registry.chart.repository", "registry.chart.caSecret=a/b")]
    [InlineData("listen.metricsPort is 9443, which listen.port is too", "listen.metricsPort=9443")]
    [InlineData("service.metricsPort is 443, which service.port is too", "service.metricsPort=443")]
    [InlineData("metrics.serviceMonitor.enabled needs metrics.enabled", "metrics.enabled=false,metrics.serviceMonitor.enabled=true")]
    [InlineData("metrics.prometheusRule.enabled needs metrics.enabled", "metrics.enabled=false,metrics.prometheusRule.enabled=true")]
    [InlineData("management.kubeconfig.context needs management.kubeconfig.secretName", "management.kubeconfig.context=x")]
    [InlineData("management.kubeconfig.secretName names another cluster than this", "management.kubeconfig.secretName=x")]
    [InlineData("clientAuthentication.names needs clientAuthentication.caSecret", "clientAuthentication.names={x}")]
    [InlineData("names", "clientAuthentication.caSecret=x,clientAuthentication.names={a b}")]
    [InlineData("drainSecond", "drainSecond=5")]
    [InlineData("drainSeconds", "drainSeconds=61")]
    [InlineData("keyAlgorithm", "options.keyAlgorithm=DSA")]
    [InlineData("upgradeBlockLimit", "options.upgradeBlockLimit=10")]
    [InlineData("reconcileWorkers", "options.reconcileWorkers=65")]
    [InlineData("listen", "options.listen=0.0.0.0:80")]
    [InlineData("logLevels", "options.logLevels=Debug")]
    [InlineData("address", "listen.address=localhost")]
    [InlineData("digest", "image.digest=sha256:12")]
    [InlineData("mode", "certificate.mode=self")]
    public async Task Values_ThatCanNotBe_AreRefusedWithASentence(string sentence, string values)
    {
        foreach (var helm in new[] { "helm3", "helm4" })
        {
            var run = await new HelmProgram(helm).TryRenderAsync(HookChart.Folder.Path, CancellationToken, "--set", values);

            Assert.NotEqual(0, run.ExitCode);
            Assert.Contains(sentence, run.Errors, StringComparison.Ordinal);
        }
    }

    private static JsonObject Pod(IReadOnlyList<JsonObject> objects) =>
        objects.One("Deployment", NameOf(objects))["spec"]!["template"]!.AsObject();

    /// <summary>The name of the service's objects in this rendering.</summary>
    private static string NameOf(IReadOnlyList<JsonObject> objects) => (string)objects.Single(entry => entry.Kind() == "Deployment"
        && (string?)entry["spec"]!["template"]!["spec"]!["containers"]![0]!["name"] == "capi-registry-hook")["metadata"]!["name"]!;

    /// <summary>The arguments of another part; none where it is not installed.</summary>
    private static List<string> ArgumentsOf(IReadOnlyList<JsonObject> objects, string container) =>
        [.. objects.PodTemplates().SelectMany(template => template.Containers())
            .Where(entry => (string)entry["name"]! == container)
            .SelectMany(entry => entry["args"]!.AsArray().Select(argument => (string)argument!))];

    private static List<string> Arguments(IReadOnlyList<JsonObject> objects) =>
        [.. Pod(objects).Containers().Single(container => (string?)container["name"] == HookChart.Release)["args"]!.AsArray()
            .Select(argument => (string)argument!)];

    private static JsonObject Volume(IReadOnlyList<JsonObject> objects, string name) =>
        Pod(objects)["spec"]!["volumes"]!.AsArray().Single(volume => (string)volume!["name"]! == name)!.AsObject();

    [GeneratedRegex(@"^\| `(--[a-z-]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Option();

    [GeneratedRegex(@"^\| `(capi_registry_hook_[a-z_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Documented();

    [GeneratedRegex("capi_registry_hook_[a-z_]+")]
    private static partial Regex Metric();

    [GeneratedRegex("_bucket$")]
    private static partial Regex Bucket();
}
