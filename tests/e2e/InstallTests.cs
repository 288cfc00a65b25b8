using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>On a real API server, the rights that the service's chart gives are enough for every hook, and narrow.</summary>
[Collection(OnApiServers.Name)]
public sealed class InstallTests(RealEnvironment fixture)
{
    private const string Version = "1.13.4";

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("rbac.create=true")]
    [InlineData("rbac.namespaces={default}")]
    public async Task EveryHook_WithTheInstalledRights_Succeeds(string values)
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        var kubeconfig = await InstalledAccess.GrantAsync(environment, CancellationToken, values);
        var places = await InstalledAccess.ArgumentsAsync(CancellationToken, values);
        Assert.Single(places);
        await using var service = await HookService.StartAsync(kubeconfig, ["--upgrade-block-limit", "0s", .. places], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);

        // Without a kubeconfig the upgrade is let go at once: this writes the annotation and the Event.
        var letGo = await capi.CallAsync(Version, "BeforeClusterUpgrade", cluster, CancellationToken);
        await environment.GiveKubeconfigAsync(cluster, CancellationToken);
        var answers = new List<HookAnswer> { letGo };
        foreach (var hook in new[] { "BeforeClusterCreate", "AfterControlPlaneInitialized", "BeforeClusterUpgrade" })
            answers.Add(await capi.PostAsync(WithoutLabel(RecordedHookRequest.Load(Version, hook).For(cluster)), CancellationToken));

        Assert.All(answers, answer => Assert.True(answer.Status == "Success" && answer.RetryAfterSeconds is null or 0, answer.Text));
        Assert.Equal(
            ["CertificateIssued", "CertificateRenewed", "RegistryInstalled", "RegistryNotRefreshed"],
            (await environment.ManagementObjects.ListAsync(AdminClient.Events("default"), CancellationToken))
                .Select(item => (string)item["reason"]!).Order(StringComparer.Ordinal));
        Assert.DoesNotContain("forbidden", service.Log, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Rights_Everywhere_AreNarrow()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        await InstalledAccess.GrantAsync(environment, CancellationToken);

        (string Group, string Resource, string[] Verbs)[] refused =
        [
            ("", "secrets", ["list", "watch", "update", "delete", "deletecollection"]),
            ("cluster.x-k8s.io", "clusters", ["create", "update", "delete", "deletecollection"]),
            ("cluster.x-k8s.io", "machines", ["get", "watch", "create", "update", "patch", "delete"]),
            ("addons.cluster.x-k8s.io", "helmchartproxies", ["update", "deletecollection"]),
            ("events.k8s.io", "events", ["get", "list", "watch", "update", "delete"]),
        ];
        foreach (var (group, resource, verbs) in refused)
        {
            foreach (var verb in verbs)
                Assert.False(await MayAsync(environment, verb, group, resource, "default"), $"{verb} {resource}");
        }

        Assert.False(await MayAsync(environment, "create", "", "pods", "default"));
        Assert.False(await MayAsync(environment, "create", "rbac.authorization.k8s.io", "roles", "default"));
        Assert.True(await MayAsync(environment, "get", "", "secrets", "default"));
    }

    [Fact]
    public async Task Rights_InNamespaces_EndAtThem()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        await InstalledAccess.GrantAsync(environment, CancellationToken, "rbac.namespaces={default}");

        Assert.True(await MayAsync(environment, "get", "", "secrets", "default"));
        Assert.False(await MayAsync(environment, "get", "", "secrets", "kube-system"));
        Assert.True(await MayAsync(environment, "get", "", "secrets", HookService.Namespace, "registry-addon-root-ca"));
        Assert.False(await MayAsync(environment, "get", "", "secrets", HookService.Namespace, "another"));
        Assert.True(await MayAsync(environment, "create", "", "secrets", HookService.Namespace));
        Assert.True(await MayAsync(environment, "patch", "", "secrets", HookService.Namespace, "registry-addon-root-ca"));
        Assert.False(await MayAsync(environment, "patch", "", "secrets", HookService.Namespace, "another"));
        Assert.False(await MayAsync(environment, "delete", "", "secrets", HookService.Namespace, "registry-addon-root-ca"));
    }

    private static RecordedHookRequest WithoutLabel(RecordedHookRequest request)
    {
        request.Body["cluster"]!["metadata"]!.AsObject().Remove("labels");
        return request;
    }

    private static async Task<bool> MayAsync(
        TestEnvironment environment, string verb, string group, string resource, string @namespace, string name = "")
    {
        var review = await environment.ManagementObjects.CreateAsync("/apis/authorization.k8s.io/v1/subjectaccessreviews", new JsonObject
        {
            ["apiVersion"] = "authorization.k8s.io/v1",
            ["kind"] = "SubjectAccessReview",
            ["spec"] = new JsonObject
            {
                ["user"] = InstalledAccess.User,
                ["resourceAttributes"] = new JsonObject { ["verb"] = verb, ["group"] = group, ["resource"] = resource,
                ["namespace"] = @namespace, ["name"] = name },
            },
        }, CancellationToken);
        return (bool)review["status"]!["allowed"]!;
    }
}
