using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>The rights in docs/examples/install.yaml are enough for every call that the service makes, and no more.</summary>
[Collection("stage")]
public sealed class InstallTests(RealStage fixture)
{
    private const string Version = "1.13.4";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryHook_WithTheInstalledRights_Succeeds()
    {
        var stage = await fixture.EmptyAsync(Cancelled);
        var kubeconfig = await InstalledAccess.GrantAsync(stage, Cancelled);
        await using var service = await HookService.StartAsync(kubeconfig, ["--upgrade-block-limit", "0s"], Cancelled);
        using var capi = service.CreateClusterApi();
        var cluster = await stage.CreateClusterAsync("c1", Cancelled);

        // Without a kubeconfig the upgrade is let go at once: this writes the annotation and the Event.
        var letGo = await capi.CallAsync(Version, "BeforeClusterUpgrade", cluster, Cancelled);
        await stage.GiveKubeconfigAsync(cluster, Cancelled);
        var answers = new List<HookAnswer> { letGo };
        foreach (var hook in new[] { "BeforeClusterCreate", "AfterControlPlaneInitialized", "BeforeClusterUpgrade" })
            answers.Add(await capi.PostAsync(WithoutLabel(RecordedHookRequest.Load(Version, hook).For(cluster)), Cancelled));

        Assert.All(answers, answer => Assert.True(answer.Status == "Success" && answer.RetryAfterSeconds is null or 0, answer.Text));
        Assert.Single(await stage.ManagementObjects.ListAsync(AdminClient.Events("default"), Cancelled));
        Assert.DoesNotContain("forbidden", service.Log, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Rights_AreNarrow()
    {
        var stage = await fixture.EmptyAsync(Cancelled);
        await InstalledAccess.GrantAsync(stage, Cancelled);

        Assert.False(await MayAsync(stage, "list", "", "secrets"));
        Assert.False(await MayAsync(stage, "watch", "", "secrets"));
        Assert.False(await MayAsync(stage, "delete", "", "secrets"));
        Assert.False(await MayAsync(stage, "delete", "cluster.x-k8s.io", "clusters"));
        Assert.False(await MayAsync(stage, "create", "", "pods"));
        Assert.True(await MayAsync(stage, "get", "", "secrets"));
    }

    private static RecordedHookRequest WithoutLabel(RecordedHookRequest request)
    {
        request.Body["cluster"]!["metadata"]!.AsObject().Remove("labels");
        return request;
    }

    private static async Task<bool> MayAsync(Stage stage, string verb, string group, string resource)
    {
        var review = await stage.ManagementObjects.CreateAsync("/apis/authorization.k8s.io/v1/subjectaccessreviews", new JsonObject
        {
            ["apiVersion"] = "authorization.k8s.io/v1",
            ["kind"] = "SubjectAccessReview",
            ["spec"] = new JsonObject
            {
                ["user"] = $"system:serviceaccount:{HookService.Namespace}:capi-registry-hook",
                ["resourceAttributes"] = new JsonObject { ["verb"] = verb, ["group"] = group, ["resource"] = resource, ["namespace"] = "default" },
            },
        }, Cancelled);
        return (bool)review["status"]!["allowed"]!;
    }
}
