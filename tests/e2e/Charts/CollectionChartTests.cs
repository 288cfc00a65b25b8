using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>How the registry chart has garbage collected, as Helm renders it.</summary>
public sealed class CollectionChartTests
{
    private static readonly ChartFolder Chart = ChartFolder.Open("registry");

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("garbage-collection", true)]
    [InlineData("garbage-collection-shared", false)]
    public async Task Rights_Always_AreOneStatefulSetAndALookAtPodsWhereTheyTellTheResult(string name, bool pods)
    {
        var rules = (await RenderAsync(name)).One("Role", "registry-gc")["rules"]!.AsArray();

        Assert.Equal(
            """{"apiGroups":["apps"],"resources":["statefulsets"],"resourceNames":["registry"],"verbs":["get","list","watch","patch"]}""",
            rules[0]!.ToJsonString());
        Assert.Equal(pods ? ["""{"apiGroups":[""],"resources":["pods"],"verbs":["get","list","watch"]}"""] : [], rules.Skip(1)
            .Select(rule => rule!.ToJsonString()));
    }

    [Theory]
    [InlineData("garbage-collection", "collect", "restart,wait,result,collected-everywhere")]
    [InlineData("garbage-collection-host-path", "collect", "restart,wait,result,collected-everywhere")]
    [InlineData("host-path-prepare", "prepare,collect", "restart,wait,result,collected-everywhere")]
    [InlineData("garbage-collection-shared", "", "deadline,read-only,wait,collect,writable,report")]
    [InlineData("garbage-collection-s3", "", "deadline,read-only,wait,collect,writable,report")]
    public async Task Steps_EachStorage_CollectWhileNobodyWrites(string name, string beforeServing, string steps)
    {
        var objects = await RenderAsync(name);

        Assert.Equal(beforeServing, string.Join(',', (objects.One("StatefulSet",
            "registry")["spec"]!["template"]!["spec"]!["initContainers"] as JsonArray ?? []).Select(container =>
            (string)container!["name"]!)));
        Assert.Equal(steps, string.Join(',', Job(objects).Containers().Select(container => (string)container["name"]!)));
    }

    /// <summary>The message that the Job waits for is that of the container which collects, wherever it stands.</summary>
    [Theory]
    [InlineData("garbage-collection", 0)]
    [InlineData("host-path-prepare", 1)]
    public async Task Result_OfEachReplica_IsReadFromTheContainerThatCollects(string name, int position)
    {
        var last = Job(await RenderAsync(name)).Containers().Single(container => (string)container["name"]! == "collected-everywhere");

        Assert.Contains($"--for=jsonpath={{.status.initContainerStatuses[{position}].state.terminated.message}}=$(RUN) collected",
            last["args"]!.AsArray().Select(argument => (string)argument!));
    }

    /// <summary>Two Jobs can have one name, one after the other: kubectl create job now, each month.</summary>
    [Theory]
    [InlineData("garbage-collection")]
    [InlineData("garbage-collection-shared")]
    public async Task Run_OfEachJob_IsTheJobsUid(string name)
    {
        var runs = Job(await RenderAsync(name)).Containers().SelectMany(container => container["env"]!.AsArray()).Where(variable =>
            (string)variable!["name"]! == "RUN");

        Assert.All(runs, run => Assert.Equal("metadata.labels['controller-uid']", (string)run!["valueFrom"]!["fieldRef"]!["fieldPath"]!));
        Assert.NotEmpty(runs);
    }

    /// <summary>Helm 4 applies by server-side apply: what kubectl patches while a collection runs must be no field of the
    /// chart's.</summary>
    [Fact]
    public async Task ReadOnly_WhatTheJobSets_IsNoFieldOfTheChart()
    {
        var objects = await RenderAsync("garbage-collection-shared");
        var template = objects.One("StatefulSet", "registry")["spec"]!["template"]!.AsObject();
        var arguments = Job(objects).Containers().SelectMany(container => container["args"] as JsonArray ?? []).Select(argument =>
            (string)argument!).ToArray();

        Assert.DoesNotContain("set", arguments);
        Assert.Contains("""--patch={"spec":{"template":{"metadata":{"annotations":{"capi-registry-hook.io/read-only-until":null}}}}}""",
            arguments);
        Assert.False(template["metadata"]!["annotations"]!.AsObject().ContainsKey("capi-registry-hook.io/read-only-until"));
        var variable = Assert.Single(Registry(template)["env"]!.AsArray(), entry => (string)entry!["name"]! == "READ_ONLY_UNTIL");
        Assert.Equal("metadata.annotations['capi-registry-hook.io/read-only-until']",
            (string)variable!["valueFrom"]!["fieldRef"]!["fieldPath"]!);
    }

    /// <summary>The window ends by itself, and the collection a minute before it.</summary>
    [Fact]
    public async Task ReadOnly_Always_HasAnEnd()
    {
        var steps = Job(await RenderAsync("garbage-collection-shared", "--set",
            "garbageCollection.rolloutTimeoutSeconds=100,garbageCollection.timeoutSeconds=200")).Containers();

        Assert.Contains("until=$(($(date +%s) + 360))", Script(steps, "deadline"), StringComparison.Ordinal);
        Assert.Contains("seconds=$(($(cat /tmp/until) - $(date +%s) - 60))", Script(steps, "collect"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("3.1.1", "", "", true)]
    [InlineData("v3", "", "", true)]
    [InlineData("3-alpine", "", "", true)]
    [InlineData("2.8.3", "", "", false)]
    [InlineData("30", "", "", false)]
    [InlineData("latest", "", "", false)]
    [InlineData("latest", "", "3.0.0", true)]
    [InlineData("3.1.1", "", "2.8.3", false)]
    [InlineData("3.1.1", "sha256:0000000000000000000000000000000000000000000000000000000000000001", "", false)]
    [InlineData("3.1.1", "sha256:0000000000000000000000000000000000000000000000000000000000000001", "3.1.1", true)]
    public async Task DeleteUntagged_ImageNotKnownToBeVersion3_IsRefused(string tag, string digest, string version, bool accepted)
    {
        var run = await new HelmProgram("helm3").TryRenderAsync(
            Chart.Path, CancellationToken, "--set", "garbageCollection.enabled=true,garbageCollection.deleteUntagged=true",
            "--set-string", $"image.tag={tag}", "--set-string", $"image.digest={digest}", "--set-string", $"image.version={version}");

        Assert.Equal(accepted, run.ExitCode == 0);
        Assert.Equal(!accepted, run.Errors
            .Contains("garbageCollection.deleteUntagged destroys tagged multi-platform images with CNCF Distribution 2",
            StringComparison.Ordinal));
    }

    [Fact]
    public async Task Alert_ForAFailedRun_NamesTheJobsOfTheCronJob()
    {
        var rules = (await RenderAsync("metrics")).One("PrometheusRule", "registry")["spec"]!["groups"]![0]!["rules"]!.AsArray();

        var alert = Assert.Single(rules, rule => (string)rule!["alert"]! == "RegistryCollectionFailed");
        Assert.Equal($$"""kube_job_status_failed{namespace="{{HelmProgram.Namespace}}",job_name=~"registry-gc-.*"} > 0""",
            (string)alert!["expr"]!);
    }

    private static Task<IReadOnlyList<JsonObject>> RenderAsync(string name, params string[] arguments) =>
        new HelmProgram("helm3").ObjectsAsync(Chart.Path, CancellationToken, ["--values", Chart.File($"ci/{name}-values.yaml"),
            .. arguments]);

    private static JsonObject Job(IReadOnlyList<JsonObject> objects) =>
        objects.One("CronJob", "registry-gc")["spec"]!["jobTemplate"]!["spec"]!["template"]!.AsObject();

    private static JsonObject Registry(JsonObject template) => template.Containers().Single(container =>
        (string)container["name"]! == "registry");

    private static string Script(IReadOnlyList<JsonObject> steps, string name) =>
        (string)steps.Single(step => (string)step["name"]! == name)["command"]![2]!;
}
