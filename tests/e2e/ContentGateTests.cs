using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// BeforeClusterUpgrade while the registry does not hold what the upgrade needs, by the recorded requests of Cluster API.
/// </summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class ContentGateTests(EmbeddedEnvironment fixture)
{
    private const string Target = "v1.34.0";
    private const string Awaited = "capi-registry-hook.io/content-awaited";
    private const string Needed = "capi-registry-hook.io/content-needed";
    private const string Incomplete =
        "The registry does not hold what the upgrade to \"v1.34.0\" needs yet: 1 of 1 RegistryContent is incomplete, with 37 entries.";

    private const string Unknown = "It is not known whether the registry holds what the upgrade to \"v1.34.0\" needs (1 "
        + "RegistryContent): its primary replica does not answer, or is not ready.";

    private static readonly string Digest = "sha256:" + new string('a', 64);
    private static readonly string Contents = "/apis/capi-registry-hook.io/v1alpha1/namespaces/default/registrycontents";

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>Cluster API waits for 10 s.</summary>
    private static TimeSpan AnswerLimit => TimeSpan.FromSeconds(9.5);

    [Theory]
    [InlineData("1.12.5")]
    [InlineData("1.13.4")]
    public async Task Upgrade_ContentIsMissing_IsBlockedUntilItIsThere(string version)
    {
        var environment = await ClearAsync();
        await using var service = await StartAsync(environment);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(environment, capi, version);
        await using var registry = await GatedRegistry.StartAsync(environment, CancellationToken);
        await CreateContentAsync(environment, "other", Digest, ["v1.33"]);
        await CreateContentAsync(environment, "images", Digest, [Target]);

        var first = await UntilBlockedAsync(capi, version, cluster);
        var again = await UpgradeAsync(capi, version, cluster);
        var annotations = await AnnotationsAsync(environment);
        registry.Digests["default.images"] = "sha256:" + new string('b', 64);
        var former = await UpgradeAsync(capi, version, cluster);
        registry.Digests["default.images"] = Digest;
        var complete = await UpgradeAsync(
            capi, version, cluster with { Annotations = new Dictionary<string, string> { [Awaited] = (string)annotations[Awaited]! } });

        Assert.Equal(("Success", 15, Incomplete), (first.Status, first.RetryAfterSeconds, first.Message));
        Assert.Equal(first.Text, again.Text);
        Assert.Equal(first.Text, former.Text);
        Assert.Equal(Target, (string?)annotations[Needed]);
        Assert.StartsWith($"{Target}@", (string)annotations[Awaited]!, StringComparison.Ordinal);
        Assert.Equal(("Success", 0, ""), (complete.Status, complete.RetryAfterSeconds, complete.Message));
        var ended = await AnnotationsAsync(environment);
        Assert.False(ended.ContainsKey(Needed) || ended.ContainsKey(Awaited), ended.ToJsonString());
        Assert.Empty(await WarningsAsync(environment));
    }

    /// <summary>Whatever the registry does: one sentence, in time.</summary>
    [Fact]
    public async Task Upgrade_RegistryCantBeAsked_IsBlockedInTimeWithOneSentence()
    {
        var environment = await ClearAsync();
        await using var service = await StartAsync(environment);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(environment, capi, "1.13.4");
        await using var registry = await GatedRegistry.StartAsync(environment, CancellationToken);
        registry.Digests["default.images"] = Digest;
        await CreateContentAsync(environment, "images", null, [Target]);
        var unresolved = await UntilBlockedAsync(capi, "1.13.4", cluster);
        Assert.Equal("The registry does not hold what the upgrade to \"v1.34.0\" needs yet: 1 of 1 RegistryContent is incomplete.",
            unresolved.Message);
        await SetDigestAsync(environment, "images", Digest);
        registry.Before = http => Refuse(http, 500);
        await Polling.UntilAsync(
            "the digest is known", async () => (await UpgradeAsync(capi, "1.13.4", cluster)).Message == Unknown, () => service.Log,
            CancellationToken);

        registry.Before = http => Task.Delay(Timeout.Infinite, http.RequestAborted);
        await AssertUnknownAsync(capi, cluster, "it hangs");
        registry.Before = async http => await Task.Delay(TimeSpan.FromSeconds(6), http.RequestAborted);
        await AssertUnknownAsync(capi, cluster, "it is slow");
        registry.Before = http => Refuse(http, 307);
        await AssertUnknownAsync(capi, cluster, "it leads elsewhere");
        registry.Before = null;
        registry.Lead(isThere: false);
        await AssertUnknownAsync(capi, cluster, "nobody listens");
        registry.Lead();
        await GatedRegistry.SetReadyAsync(environment.WorkloadObjects, "False", CancellationToken);
        await AssertUnknownAsync(capi, cluster, "it is not ready");
        await GatedRegistry.SetReadyAsync(environment.WorkloadObjects, "True", CancellationToken);
        var healed = await UpgradeAsync(capi, "1.13.4", cluster);
        Assert.Equal(("Success", 0), (healed.Status, healed.RetryAfterSeconds));
    }

    /// <summary>Accounts that an admin made, on the workload cluster: the login of the replicas is the service's too.</summary>
    [Fact]
    public async Task Upgrade_RegistryWithAccounts_IsAskedWithTheLoginOfItsReplicas()
    {
        var environment = await ClearAsync();
        await using var service = await StartAsync(environment);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(environment, capi, "1.13.4", Accounts);
        await using var registry = await GatedRegistry.StartAsync(environment, CancellationToken, "registry-users");
        registry.Digests["default.images"] = Digest;
        registry.Before = http => http.Request.Headers.Authorization == Basic("sync:s3cret") ? Task.CompletedTask : Refuse(http, 401);
        await CreateContentAsync(environment, "images", Digest, [Target]);

        var missing = await UntilBlockedAsync(capi, "1.13.4", cluster);
        await WriteAccountAsync(environment, "sync", "wrong");
        var wrong = await UpgradeAsync(capi, "1.13.4", cluster);
        await WriteAccountAsync(environment, "sync", "s3cret");
        var right = await UpgradeAsync(capi, "1.13.4", cluster);

        Assert.Equal(("Success", 15, Unknown[..Unknown.IndexOf("its primary", StringComparison.Ordinal)]
            + "it refuses the login in the Secret registry-system/registry-users on the workload cluster "
            + "(clusterConfig.addons.registry.auth.secretRef); set its keys username and password to an account in its key htpasswd."),
            (missing.Status, missing.RetryAfterSeconds, missing.Message));
        Assert.Equal(missing.Text, wrong.Text);
        Assert.Equal(("Success", 0, ""), (right.Status, right.RetryAfterSeconds, right.Message));
        Assert.DoesNotContain("s3cret", service.Log, StringComparison.Ordinal);
    }

    /// <summary>The login that the service made is at hand; a registry that wants another one says so.</summary>
    [Theory]
    [InlineData(true, "it refuses the login in the Secret default/c1-registry-addon-login.")]
    [InlineData(false, "it asks for a login that is not known here; set clusterConfig.addons.registry.auth.")]
    public async Task Upgrade_RegistryRefusesTheLogin_SaysWhich(bool generates, string reason)
    {
        var environment = await ClearAsync();
        await using var service = await StartAsync(environment);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(environment, capi, "1.13.4", generates ? new JsonObject { ["generate"] = true } : null);
        await using var registry = await GatedRegistry.StartAsync(environment, CancellationToken);
        registry.Digests["default.images"] = Digest;
        registry.Before = http => Refuse(http, 401);
        await CreateContentAsync(environment, "images", Digest, [Target]);

        var refused = await UntilBlockedAsync(capi, "1.13.4", cluster);
        var login = generates ? await LoginAsync(environment) : "";
        registry.Before = http => !generates || http.Request.Headers.Authorization == Basic(login) ? Task.CompletedTask : Refuse(http, 401);
        var answered = await UpgradeAsync(capi, "1.13.4", cluster);

        Assert.EndsWith($"(1 RegistryContent): {reason}", refused.Message, StringComparison.Ordinal);
        Assert.Equal(("Success", 0, ""), (answered.Status, answered.RetryAfterSeconds, answered.Message));
    }

    [Theory]
    [InlineData("1h", "2h")]
    [InlineData("0s", null)]
    public async Task Upgrade_LimitIsOver_ProceedsWithAWarning(string limit, string? since)
    {
        var environment = await ClearAsync();
        await using var service = await StartAsync(environment, "--content-block-limit", limit);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(environment, capi, "1.13.4");
        await using var registry = await GatedRegistry.StartAsync(environment, CancellationToken);
        await CreateContentAsync(environment, "images", Digest, ["v1.34"]);
        if (since is not null)
            cluster =
                cluster with { Annotations = new Dictionary<string, string> { [Awaited] = $"{Target}@{Ago(TimeSpan.FromHours(2))}" } };

        HookAnswer answer = null!;
        await Polling.UntilAsync(
            "the content counts", async () => (answer = await UpgradeAsync(capi, "1.13.4", cluster)).Message != "", () => service.Log,
            CancellationToken);

        Assert.Equal(("Success", 0, $"Upgrade proceeds; content incomplete. {Incomplete}"),
            (answer.Status, answer.RetryAfterSeconds, answer.Message));
        var warning = Assert.Single(await WarningsAsync(environment));
        Assert.Equal(("ContentIncomplete", $"The upgrade to \"{Target}\" proceeds; content incomplete. {Incomplete}"),
            ((string?)warning["reason"], (string?)warning["note"]));
    }

    /// <summary>What is not needed costs one list that all Clusters share; with the gate off nothing at all.</summary>
    [Theory]
    [InlineData("On", 1)]
    [InlineData("Off", 0)]
    public async Task Upgrade_NothingIsNeeded_AsksNoRegistry(string gate, int lists)
    {
        var environment = await ClearAsync();
        var management = (EmbeddedApiServer)environment.Management;
        var workload = (EmbeddedApiServer)environment.Workload;
        await CreateContentAsync(environment, "other", Digest, ["v1.33"]);
        await CreateContentAsync(environment, "suspended", Digest, [Target], spec => spec["suspend"] = true);
        await CreateContentAsync(environment, "elsewhere", Digest, [Target],
            spec => spec["clusterSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["no"] = "cluster" } });
        await using var service = await StartAsync(environment, "--content-gate", gate);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(environment, capi, "1.13.4");
        var forwards = workload.Forwards;
        management.ClearCalls();
        workload.ClearCalls();

        await UpgradeAsync(capi, "1.13.4", cluster);
        await UpgradeAsync(capi, "1.13.4", cluster);

        Assert.Equal(forwards, workload.Forwards);
        var made = management.Calls.Where(call => call.Resource == "registrycontents").ToList();
        Assert.True(made.Count <= lists, $"{made.Count} calls.");
        Assert.All(made, call => Assert.Equal("list", call.Verb));
        Assert.DoesNotContain(workload.Calls, call => call.Resource is "pods" && call.Verb == "get" && call.Name == "registry-1");
    }

    [Fact]
    public async Task Chart_Gate_IsAnOptionAndTheRightToList()
    {
        var on = await HookChart.RenderAsync(CancellationToken, "--set", "contentGate.enabled=true");
        var off = await HookChart.RenderAsync(CancellationToken);

        Assert.Equal([("list", "capi-registry-hook.io", "registrycontents")], Rights(on).Except(Rights(off)));
        var named = await HookChart.RenderAsync(CancellationToken, "--set",
            "contentGate.enabled=true,rbac.namespaces={team-a},sync.sharedNamespaces={platform}");
        Assert.Equal(["platform", "team-a"], named.Where(item => item.Kind() == "Role" && item.Rights().Any(right =>
            right.Resource == "registrycontents")).Select(item => (string?)item["metadata"]!["namespace"]).Order());
    }

    private static IEnumerable<(string Verb, string Group, string Resource)> Rights(IReadOnlyList<JsonObject> rendered) =>
        rendered.Where(item => item.Kind() is "Role" or "ClusterRole").SelectMany(role => role.Rights()).Distinct();

    private async Task<TestEnvironment> ClearAsync()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        foreach (var content in await environment.ManagementObjects.ListAsync(Contents, CancellationToken))
            await environment.ManagementObjects.DeleteIfThereAsync(Contents, (string)content["metadata"]!["name"]!, CancellationToken);
        return environment;
    }

    private static Task<HookService> StartAsync(TestEnvironment environment, params string[] arguments) => HookService.StartAsync(
        environment.Management.Kubeconfig,
        arguments.Contains("--content-gate") ? arguments : ["--content-gate", "On", .. arguments], CancellationToken);

    /// <summary>A Cluster whose registry is installed, by an earlier upgrade that needed nothing.</summary>
    private static async Task<TestCluster> PrepareAsync(
        TestEnvironment environment, ClusterApi capi, string version, JsonObject? auth = null)
    {
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);
        if (auth is not null)
            cluster = cluster with
            {
                ClusterConfig = new JsonObject { ["addons"] = new JsonObject { ["registry"] = new JsonObject { ["auth"] = auth } } },
            };
        await environment.GiveKubeconfigAsync(cluster, CancellationToken);
        var answer = await capi.UpgradeAsync(version, cluster, "v1.30.0", CancellationToken);
        Assert.Equal(("Success", 0), (answer.Status, answer.RetryAfterSeconds));
        return cluster;
    }

    private static async Task<HookAnswer> UpgradeAsync(ClusterApi capi, string version, TestCluster cluster)
    {
        var answer = await capi.UpgradeAsync(version, cluster, Target, CancellationToken);
        Assert.Equal(200, answer.StatusCode);
        Assert.True(answer.Took < AnswerLimit, $"{answer.Took}");
        return answer;
    }

    /// <summary>Contents are read at most once in five seconds.</summary>
    private static async Task<HookAnswer> UntilBlockedAsync(ClusterApi capi, string version, TestCluster cluster)
    {
        HookAnswer answer = null!;
        await Polling.UntilAsync(
            "the upgrade is blocked", async () => (answer = await UpgradeAsync(capi, version, cluster)).RetryAfterSeconds > 0,
            () => answer.Text, CancellationToken);
        return answer;
    }

    private static async Task AssertUnknownAsync(ClusterApi capi, TestCluster cluster, string when)
    {
        var answer = await UpgradeAsync(capi, "1.13.4", cluster);
        Assert.True(("Success", 15, Unknown) == (answer.Status, answer.RetryAfterSeconds, answer.Message), $"{when}: {answer.Text}");
    }

    private static JsonObject Accounts => new() { ["secretRef"] = new JsonObject { ["name"] = "registry-users" } };

    private static string Basic(string login) => $"Basic {Pack(login)}";

    private static string Pack(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static async Task WriteAccountAsync(TestEnvironment environment, string userName, string password)
    {
        var secrets = AdminClient.Secrets("registry-system");
        await environment.WorkloadObjects.DeleteIfThereAsync(secrets, "registry-users", CancellationToken);
        await environment.WorkloadObjects.CreateAsync(secrets, new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "registry-users" },
            ["data"] = new JsonObject { ["username"] = Pack(userName), ["password"] = Pack(password) },
        }, CancellationToken);
    }

    private static async Task<string> LoginAsync(TestEnvironment environment)
    {
        var data = (await environment.ManagementObjects.GetAsync(
            AdminClient.Secrets("default"), "c1-registry-addon-login", CancellationToken))["data"]!;
        return string.Join(':', new[] { "username", "password" }.Select(
            key => Encoding.UTF8.GetString(Convert.FromBase64String((string)data[key]!))));
    }

    private static Task Refuse(HttpContext http, int status)
    {
        http.Response.StatusCode = status;
        http.Response.Headers.Location = "https://192.0.2.1/";
        return Task.CompletedTask;
    }

    private static async Task CreateContentAsync(
        TestEnvironment environment, string name, string? digest, string[] versions, Action<JsonObject>? change = null)
    {
        var content = TestContent.FromRegistry(name, "registry.example.com", "registry.k8s.io/pause:3.10");
        var spec = content["spec"]!.AsObject();
        spec["kubernetesVersions"] = new JsonArray([.. versions.Select(version => JsonValue.Create(version))]);
        change?.Invoke(spec);
        await environment.ManagementObjects.CreateAsync(Contents, content, CancellationToken);
        if (digest is not null)
            await SetDigestAsync(environment, name, digest);
    }

    private static Task<JsonObject> SetDigestAsync(TestEnvironment environment, string name, string digest) =>
        environment.ManagementObjects.MergePatchAsync(Contents, $"{name}/status", new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["observedGeneration"] = 1, ["lock"] = new JsonObject { ["digest"] = digest, ["entries"] = 37 },
            },
        }, CancellationToken);

    private static async Task<JsonObject> AnnotationsAsync(TestEnvironment environment) =>
        (await environment.ManagementObjects.GetAsync(AdminClient.Clusters("default"), "c1", CancellationToken))["metadata"]!["annotations"]
            as JsonObject ?? [];

    private static async Task<IEnumerable<JsonObject>> WarningsAsync(TestEnvironment environment) =>
        (await environment.ManagementObjects.ListAsync(AdminClient.Events("default"), CancellationToken))
            .Where(item => (string?)item["type"] == "Warning");

    private static string Ago(TimeSpan time) =>
        (TimeProvider.System.GetUtcNow() - time).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
