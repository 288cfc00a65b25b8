using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>What the registry chart makes of its values, as Helm renders it.</summary>
public sealed class RegistryChartTests
{
    private static readonly ChartFolder Chart = ChartFolder.Open("registry");

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Sync_EachReplica_FillsFromEveryOtherAndNeverItself(int replicas)
    {
        var objects = await RenderAsync("--set", $"replicas={replicas}");

        Assert.Equal(replicas > 1, objects.Has("ConfigMap", "registry-sync"));
        Assert.Equal(replicas > 1, Container(objects, "regsync") is not null);
        for (var self = 0; self < replicas && replicas > 1; self++)
        {
            var config = Sync(objects, $"registry-{self}.fill.yml");
            var others = Enumerable.Range(0, replicas).Where(other => other != self);

            Assert.Equal(1, (long)config["version"]!);
            Assert.Equal(others.Select(Host), config["sync"]!.AsArray().Select(step => (string)step!["source"]!));
            Assert.All(config["sync"]!.AsArray(), step => Assert.Equal(("127.0.0.1:5000", "registry"), ((string)step!["target"]!,
                (string)step["type"]!)));
        }
    }

    /// <summary>regsync overwrites tags that differ: only the primary's may be copied again and again, and nothing to the
    /// primary.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task Sync_Primary_IsWhatAllOthersCopyAgainAndWhereClientsPush(int primary)
    {
        var objects = await RenderAsync("--set", $"replicas=3,sync.primary={primary}");
        var files = objects.One("ConfigMap", "registry-sync")["data"]!.AsObject();

        foreach (var other in Enumerable.Range(0, 3).Where(other => other != primary))
            Assert.Equal([Host(primary)], Sync(objects, $"registry-{other}.yml")["sync"]!.AsArray().Select(step =>
                (string)step!["source"]!));
        Assert.False(files.ContainsKey($"registry-{primary}.yml"));
        Assert.Equal($"registry-{primary}", (string)objects.One("Service",
            "registry-primary")["spec"]!["selector"]!["statefulset.kubernetes.io/pod-name"]!);
    }

    /// <summary>
    /// Distribution keeps referrers as tags, and all tags are copied. For 100 images of several platforms regsync 0.11 needs 212 requests a
    /// pass like this, and 1134 when it is told to look for referrers and digest tags as well.
    /// </summary>
    [Fact]
    public async Task Sync_Defaults_AskForNothingThatIsCopiedAsATagAnyway()
    {
        var defaults = Sync(await RenderAsync(), "registry-1.yml")["defaults"]!.AsObject();

        Assert.Equal(["parallel", "skipDockerConfig"], defaults.Select(field => field.Key).Order());
    }

    /// <summary>
    /// The primary alone fetches, what its sources name and by digest where there is one, with secrets from files. The script reads the
    /// interval from where regsync has it.
    /// </summary>
    [Fact]
    public async Task Sources_OfTheValues_AreThePrimarysImages()
    {
        var objects = await RenderAsync("--values", Chart.File("ci/sources-values.yaml"), "--set", "replicas=3,sync.primary=1");
        var files = objects.One("ConfigMap", "registry-sync")["data"]!.AsObject().Select(file => file.Key);

        Assert.Equal(
            [
                "registry-0.fill.yml", "registry-0.yml", "registry-1.fill.yml", "registry-1.source-0.yml", "registry-1.source-1.yml",
                "registry-1.target.yml", "registry-2.fill.yml", "registry-2.yml", "sync.sh",
            ],
            files.Order(StringComparer.Ordinal));
        var zeros = new string('0', 63);
        Assert.Equal($$$"""
            creds:
            - regcert: '{{file "/etc/regsync/tls/ca.crt"}}'
              registry: 127.0.0.1:5000
              tls: enabled
            - pass: '{{file "/etc/regsync/sources/0/password"}}'
              regcert: '{{file "/etc/regsync/sources/0/ca.crt"}}'
              registry: images.example.com:5000
              tls: enabled
              user: '{{file "/etc/regsync/sources/0/username"}}'
            defaults:
              digestTags: true
              interval: 1h30m
              parallel: 2
              referrers: true
              skipDockerConfig: true
            sync:
            - source: images.example.com:5000/library/nginx:1.27
              target: 127.0.0.1:5000/library/nginx:1.27
              type: image
            - source: images.example.com:5000/library/redis@sha256:{{{zeros}}}1
              target: 127.0.0.1:5000/library/redis:7.4
              type: image
            - source: images.example.com:5000/mirror/pause@sha256:{{{zeros}}}2
              target: 127.0.0.1:5000/pause:3.10
              type: image
            version: 1
            """, (string)objects.One("ConfigMap", "registry-sync")["data"]!["registry-1.source-0.yml"]!);
        var second = Sync(objects, "registry-1.source-1.yml");
        Assert.Equal(
            """[{"source":"quay.io/prometheus/node-exporter:v1.9.0","target":"127.0.0.1:5000/prometheus/node-exporter:v1.9.0","type":"image"}]""",
            second["sync"]!.ToJsonString());
        Assert.Equal("""{"registry":"quay.io","tls":"enabled"}""", second["creds"]![1]!.ToJsonString());
        Assert.Equal(("1h", "false"), ((string)second["defaults"]!["interval"]!, second["defaults"]!["referrers"]!.ToJsonString()));
    }

    /// <summary>What the management cluster declares goes on where this file ends, which is within creds.</summary>
    [Fact]
    public async Task Pull_DeclaredContent_IsReadFromASecretThatNeedNotBeThere()
    {
        var objects = await RenderAsync("--set", "replicas=1,sync.pull=true,auth.htpasswd.secretName=users");
        var pod = Pod(objects);
        var volume = pod["spec"]!["volumes"]!.AsArray().Single(each => (string)each!["name"]! == "sync-declared")!;

        Assert.Equal(("registry-sources", true), ((string)volume["secret"]!["secretName"]!, (bool)volume["secret"]!["optional"]!));
        Assert.EndsWith("""
            creds:
            - pass: '{{file "/etc/regsync/auth/password"}}'
              regcert: '{{file "/etc/regsync/tls/ca.crt"}}'
              registry: 127.0.0.1:5000
              tls: enabled
              user: '{{file "/etc/regsync/auth/username"}}'

            """, (string)objects.One("ConfigMap", "registry-sync")["data"]!["registry-0.target.yml"]!, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "registry-0.fill.yml", objects.One("ConfigMap", "registry-sync")["data"]!.AsObject().Select(file => file.Key));
    }

    /// <summary>On a bucket there is no volume for a note.</summary>
    [Fact]
    public async Task Pull_OnABucket_NeedsNoVolume()
    {
        var objects = await RenderAsync("--values", Chart.File("ci/s3-values.yaml"), "--set", "sync.pull=true");
        var sidecar = Container(objects, "regsync")!;

        Assert.DoesNotContain("data", sidecar["volumeMounts"]!.AsArray().Select(mount => (string)mount!["name"]!));
        Assert.Contains("""{"name":"FILLED","value":"/tmp/filled"}""", sidecar["env"]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sync_Sidecar_GetsTheAuthorityAndNeverTheKey()
    {
        var objects = await RenderAsync("--set", "auth.htpasswd.secretName=users");

        var mounts = Container(objects, "regsync")!["volumeMounts"]!.AsArray().Select(mount => (string)mount!["name"]!).ToArray();
        var volumes = Pod(objects)["spec"]!["volumes"]!.AsArray()
            .Where(volume => mounts.Contains((string)volume!["name"]!)).ToDictionary(volume => (string)volume!["name"]!);
        Assert.Equal(["ca.crt"], Keys(volumes["sync-tls"]!));
        Assert.Equal(["username", "password"], Keys(volumes["sync-auth"]!));
        Assert.Equal(4, volumes.Count);
        Assert.DoesNotContain("tls", mounts);
        Assert.All(Sync(objects, "registry-0.fill.yml")["creds"]!.AsArray(), login =>
            Assert.Equal("""{{file "/etc/regsync/tls/ca.crt"}}""", (string)login!["regcert"]!));
    }

    [Theory]
    [InlineData("pvc", true)]
    [InlineData("host-path", true)]
    [InlineData("empty-dir", true)]
    [InlineData("existing-claim", false)]
    [InlineData("nfs", false)]
    [InlineData("s3", false)]
    [InlineData("gcs", false)]
    [InlineData("azure", false)]
    [InlineData("pull-through", false)]
    public async Task Storage_EachKind_IsReplicatedOrShared(string name, bool replicated)
    {
        var objects = await RenderCaseAsync(name);
        var primary = objects.One("Service", "registry-primary")["spec"]!["selector"]!.AsObject();

        Assert.Equal(replicated, Container(objects, "regsync") is not null);
        // Shared storage can be written through any replica; the primary's address answers in all cases.
        Assert.Equal(replicated, primary.ContainsKey("statefulset.kubernetes.io/pod-name"));
        Assert.Equal(
            name is "pvc" or "pull-through",
            objects.One("StatefulSet", "registry")["spec"]!.AsObject().ContainsKey("volumeClaimTemplates"));
    }

    [Fact]
    public async Task Configuration_SharedByReplicas_KeepsNothingInMemoryAndNoSecret()
    {
        var objects = await RenderCaseAsync("s3");
        var config = Configuration(objects);

        Assert.Null(config["storage"]!["cache"]);
        Assert.Equal(["bucket", "forcepathstyle", "region", "regionendpoint", "rootdirectory"],
            config["storage"]!["s3"]!.AsObject().Select(field => field.Key));
        var secrets = Container(objects, "registry")!["env"]!.AsArray()
            .Where(variable => variable!["valueFrom"]?["secretKeyRef"] is not null).Select(variable => (string)variable!["name"]!);
        Assert.Equal(["REGISTRY_STORAGE_S3_ACCESSKEY", "REGISTRY_STORAGE_S3_SECRETKEY", "REGISTRY_HTTP_SECRET"], secrets);
    }

    [Fact]
    public async Task Configuration_OfTheUser_WinsAlsoWhenItIsFalse()
    {
        var objects = await RenderAsync("--set", "config.health.storagedriver.enabled=false,config.catalog.maxentries=7");
        var config = Configuration(objects);

        Assert.False((bool)config["health"]!["storagedriver"]!["enabled"]!);
        Assert.Equal("10s", (string)config["health"]!["storagedriver"]!["interval"]!);
        Assert.Equal(7, (long)config["catalog"]!["maxentries"]!);
    }

    [Theory]
    [InlineData("tls.certificateSerial=0a1b2c")]
    [InlineData("log.level=debug")]
    [InlineData("sync.interval=9m")]
    [InlineData("replicas=3")]
    [InlineData("auth.htpasswd.realm=other,auth.htpasswd.secretName=users")]
    public async Task PodTemplate_WhatProgramsReadOnlyAtStart_RollsThePods(string change)
    {
        var before = Pod(await RenderAsync()).ToJsonString();
        var after = Pod(await RenderAsync("--set", change)).ToJsonString();

        Assert.NotEqual(before, after);
    }

    [Fact]
    public async Task PodTemplate_WhatIsNotThePodsBusiness_LeavesThePods()
    {
        var before = PodText(await RenderAsync());
        var after = PodText(
            await RenderAsync("--set", "commonLabels.a=b,service.clusterIPs={10.96.0.20},podDisruptionBudget.enabled=false"));

        Assert.Equal(before, after);

        static string PodText(IReadOnlyList<JsonObject> objects) => Pod(objects).ToJsonString();
    }

    [Theory]
    [InlineData("1.20.2", null, "batch/v1beta1", "exec", false)]
    [InlineData("1.21.0", null, "batch/v1", "exec", false)]
    [InlineData("1.26.9", null, "batch/v1", "exec", true)]
    [InlineData("1.27.0", "AlwaysAllow", "batch/v1", "exec", true)]
    [InlineData("1.30.0-gke.1", "AlwaysAllow", "batch/v1", "sleep", true)]
    [InlineData("1.35.0", "AlwaysAllow", "batch/v1", "sleep", true)]
    public async Task Versions_OfKubernetes_ChooseWhatTheyKnow(string version, string? brokenReplicas, string job, string drain,
        bool minReady)
    {
        var objects = await RenderAsync("--kube-version", version, "--set", "garbageCollection.enabled=true");

        Assert.Equal(brokenReplicas is not null, objects.Has("PodDisruptionBudget", "registry"));
        if (brokenReplicas is not null)
            Assert.Equal(brokenReplicas, (string)objects.One("PodDisruptionBudget", "registry")["spec"]!["unhealthyPodEvictionPolicy"]!);
        Assert.Equal(job, (string)objects.One("CronJob", "registry-gc")["apiVersion"]!);
        Assert.Equal([drain], Container(objects, "registry")!["lifecycle"]!["preStop"]!.AsObject().Select(action => action.Key));
        Assert.Equal(minReady, objects.One("StatefulSet", "registry")["spec"]!.AsObject().ContainsKey("minReadySeconds"));
    }

    [Fact]
    public async Task AirGap_EveryImage_ComesFromTheOneRegistry()
    {
        var images = (await RenderCaseAsync("air-gap")).PodTemplates()
            .SelectMany(pod => pod.Containers()).Select(container => (string)container["image"]!).Distinct().ToArray();

        Assert.Equal(3, images.Length);
        Assert.All(images,
            image => Assert.Matches("^images\\.example\\.com:5000/(library/registry|regclient/regsync|kubectl)@sha256:0+[123]$", image));
    }

    private static string Host(int ordinal) => $"registry-{ordinal}.registry-headless.{HelmProgram.Namespace}.svc.cluster.local:5000";

    private static Task<IReadOnlyList<JsonObject>> RenderCaseAsync(string name) =>
        RenderAsync("--values", Chart.File($"ci/{name}-values.yaml"));

    private static Task<IReadOnlyList<JsonObject>> RenderAsync(params string[] arguments) =>
        new HelmProgram("helm3").ObjectsAsync(Chart.Path, CancellationToken, arguments);

    private static JsonObject Pod(IReadOnlyList<JsonObject> objects) =>
        objects.One("StatefulSet", "registry")["spec"]!["template"]!.AsObject();

    private static JsonObject? Container(IReadOnlyList<JsonObject> objects, string name) =>
        Pod(objects).Containers().SingleOrDefault(container => (string)container["name"]! == name);

    private static JsonObject Configuration(IReadOnlyList<JsonObject> objects) => Data(objects, "registry", "config.yml");

    private static JsonObject Sync(IReadOnlyList<JsonObject> objects, string file) => Data(objects, "registry-sync", file);

    private static JsonObject Data(IReadOnlyList<JsonObject> objects, string name, string key) =>
        Assert.Single(RenderedObjects.Read((string)objects.One("ConfigMap", name)["data"]![key]!));

    private static IEnumerable<string> Keys(JsonNode volume) => volume["secret"]!["items"]!.AsArray().Select(item => (string)item!["key"]!);
}
