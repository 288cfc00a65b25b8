using System.Net;
using System.Text.Json.Nodes;
using static CapiRegistryHook.Unit.Tests.Harness.ApiSession;

namespace CapiRegistryHook.Unit.Tests.Harness;

/// <summary>Create, update, JSON patch, merge patch and the validation before them.</summary>
public sealed class EmbeddedWriteTests
{
    private const string Proxy =
        """{"apiVersion":"addons.cluster.x-k8s.io/v1alpha1","kind":"HelmChartProxy","metadata":{"name":"p"},"spec":{"chartName":"c","repoURL":"oci://x","clusterSelector":{},"options":{},"extra":1},"status":{"ready":true}}""";

    [Fact]
    public async Task Create_SetsWhatTheServerSets()
    {
        await using var api = await StartAsync();

        var answer = await api.CreateSecretAsync("a");

        var metadata = answer.Json["metadata"]!;
        Assert.True(Guid.TryParse((string?)metadata["uid"], out _));
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", (string?)metadata["creationTimestamp"]);
        Assert.Equal("default", (string?)metadata["namespace"]);
        Assert.Equal("Opaque", (string?)answer.Json["type"]);
        Assert.Equal("Secret", (string?)answer.Json["kind"]);
    }

    [Fact]
    public async Task Create_GenerateName_AppendsFiveCharacters()
    {
        await using var api = await StartAsync();

        var answer = await api.PostAsync(Secrets, """{"metadata":{"generateName":"a-"}}""");

        Assert.Matches("^a-[a-z0-9]{5}$", (string?)answer.Json["metadata"]!["name"]);
    }

    [Fact]
    public async Task Create_Twice_IsAlreadyExists()
    {
        await using var api = await StartAsync();
        await api.CreateSecretAsync("a");

        var answer = await api.PostAsync(Secrets, """{"metadata":{"name":"a"}}""");

        Assert.Equal(HttpStatusCode.Conflict, answer.Status);
        Assert.Equal("AlreadyExists", answer.Reason);
        Assert.Equal("secrets \"a\" already exists", answer.Text);
        Assert.Equal("a", (string?)answer.Json["details"]!["name"]);
    }

    [Fact]
    public async Task Create_InAMissingNamespace_IsNotFoundOfTheNamespace()
    {
        await using var api = await StartAsync();

        var answer = await api.PostAsync("/api/v1/namespaces/none/secrets", """{"metadata":{"name":"a"}}""");

        Assert.Equal(HttpStatusCode.NotFound, answer.Status);
        Assert.Equal("namespaces \"none\" not found", answer.Text);
        Assert.Equal("namespaces", (string?)answer.Json["details"]!["kind"]);
    }

    [Theory]
    [InlineData("""{"metadata":{"name":"Bad_Name"}}""", 422, "Invalid", "metadata.name: Invalid value")]
    [InlineData("""{"metadata":{}}""", 422, "Invalid", "name or generateName is required")]
    [InlineData("""{"metadata":{"name":"a"},"type":"kubernetes.io/tls","data":{"tls.crt":""}}""", 422, "Invalid",
        "data[tls.key]: Required value")]
    [InlineData("""{"metadata":{"name":"a","labels":{"a":"b c"}}}""", 422, "Invalid", "metadata.labels")]
    [InlineData("""{"metadata":{"name":"a","ownerReferences":[{"apiVersion":"v1","kind":"Secret","name":"x"}]}}""", 422, "Invalid",
        "uid must not be empty")]
    [InlineData("""{"metadata":{"name":"a"},"data":{"k":"not base64!"}}""", 400, "BadRequest", "cannot be handled as a Secret")]
    [InlineData("""{"metadata":{"name":"a"},"data":{"k":1}}""", 400, "BadRequest", "cannot be handled as a Secret")]
    [InlineData("""{"kind":"ConfigMap","metadata":{"name":"a"}}""", 400, "BadRequest", "cannot be handled as a Secret")]
    [InlineData("""{"apiVersion":"apps/v1","metadata":{"name":"a"}}""", 400, "BadRequest", "does not match the expected API version")]
    [InlineData("""{"metadata":{"name":"a","namespace":"other"}}""", 400, "BadRequest", "namespace of the provided object does not match")]
    [InlineData("""{"apiVersion":1,"metadata":{"name":"a"}}""", 400, "BadRequest", "wrong type")]
    [InlineData("""[]""", 400, "BadRequest", "must be of type object")]
    [InlineData("""{"metadata":""", 400, "BadRequest", "")]
    public async Task Create_WrongSecret_IsRefused(string body, int status, string reason, string part)
    {
        await using var api = await StartAsync();

        var answer = await api.PostAsync(Secrets, body);

        Assert.Equal(status, (int)answer.Status);
        Assert.Equal(reason, answer.Reason);
        Assert.Contains(part, answer.Text, StringComparison.Ordinal);
        Assert.Equal(status, (int)answer.Json["code"]!);
    }

    [Fact]
    public async Task Create_CustomResource_PrunesDefaultsAndDropsStatus()
    {
        await using var api = await StartAsync();

        var answer = await api.PostAsync(Proxies, Proxy);

        Assert.Equal(HttpStatusCode.Created, answer.Status);
        Assert.False(answer.Json["spec"]!.AsObject().ContainsKey("extra"));
        Assert.False(answer.Json.ContainsKey("status"));
        Assert.False((bool)answer.Json["spec"]!["options"]!["enableClientCache"]!);
        Assert.Equal(1, (int)answer.Json["metadata"]!["generation"]!);
    }

    [Fact]
    public async Task Create_CustomResourceWithoutRequiredFields_NamesEachOfThem()
    {
        await using var api = await StartAsync();

        var answer = await api.PostAsync(Proxies,
            """{"apiVersion":"addons.cluster.x-k8s.io/v1alpha1","kind":"HelmChartProxy","metadata":{"name":"p"},"spec":{"chartName":1,"clusterSelector":{}}}""");

        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.Status);
        Assert.Contains("HelmChartProxy.addons.cluster.x-k8s.io \"p\" is invalid", answer.Text, StringComparison.Ordinal);
        Assert.Equal(["spec.chartName", "spec.repoURL"],
            answer.Json["details"]!["causes"]!.AsArray().Select(cause => (string)cause!["field"]!).Order());
    }

    [Fact]
    public async Task Update_WithAnOldResourceVersion_IsConflict()
    {
        await using var api = await StartAsync();
        var first = await api.CreateSecretAsync("a");
        await api.PatchAsync(Secrets + "/a", MergePatch, """{"data":{"key":"djI="}}""");

        var answer = await api.PutAsync(Secrets + "/a", first.Json);

        Assert.Equal(HttpStatusCode.Conflict, answer.Status);
        Assert.Equal("Conflict", answer.Reason);
        Assert.StartsWith(
            "Operation cannot be fulfilled on secrets \"a\": the object has been modified", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Update_OfNothing_IsNotFoundButALeaseIsCreated()
    {
        await using var api = await StartAsync();

        var secret = await api.PutAsync(Secrets + "/a", JsonNode.Parse("""{"metadata":{"name":"a"}}""")!);
        var lease = await api.PutAsync(Leases + "/a", JsonNode.Parse("""{"metadata":{"name":"a"},"spec":{"holderIdentity":"me"}}""")!);

        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.Created), (secret.Status, lease.Status));
    }

    [Fact]
    public async Task Update_WithoutResourceVersion_DependsOnTheResource()
    {
        await using var api = await StartAsync();
        await api.CreateSecretAsync("a");
        await api.PostAsync(Leases, """{"metadata":{"name":"a"}}""");

        var secret = await api.PutAsync(Secrets + "/a", JsonNode.Parse("""{"metadata":{"name":"a"},"data":{"key":"djI="}}""")!);
        var lease = await api.PutAsync(Leases + "/a", JsonNode.Parse("""{"metadata":{"name":"a"}}""")!);

        Assert.Equal(HttpStatusCode.OK, secret.Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, lease.Status);
        Assert.Contains("metadata.resourceVersion", lease.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Update_OfASecretsType_IsRefused()
    {
        await using var api = await StartAsync();
        var created = await api.CreateSecretAsync("a");
        created.Json["type"] = "example.com/other";

        var answer = await api.PutAsync(Secrets + "/a", created.Json);

        Assert.Contains("type: Invalid value: \"example.com/other\": field is immutable", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_ThatChangesNothing_KeepsTheResourceVersion()
    {
        await using var api = await StartAsync();
        var created = await api.CreateSecretAsync("a");

        var put = await api.PutAsync(Secrets + "/a", created.Json);
        var merge = await api.PatchAsync(Secrets + "/a", MergePatch, """{"data":{"key":"djE="}}""");
        var json = await api.PatchAsync(Secrets + "/a", JsonPatch, """[{"op":"test","path":"/data/key","value":"djE="}]""");

        Assert.All([put, merge, json], answer => Assert.Equal(created.Version, answer.Version));
    }

    [Fact]
    public async Task ResourceVersion_RisesOverTheWholeServer()
    {
        await using var api = await StartAsync();

        var secret = await api.CreateSecretAsync("a");
        var lease = await api.PostAsync(Leases, """{"metadata":{"name":"a"}}""");
        var other = await api.CreateSecretAsync("b", "", "kube-system");

        Assert.Equal(1, long.Parse(lease.Version) - long.Parse(secret.Version));
        Assert.Equal(1, long.Parse(other.Version) - long.Parse(lease.Version));
    }

    [Fact]
    public async Task Update_ByManyAtOnce_HasOneWinnerPerResourceVersion()
    {
        await using var api = await StartAsync();
        var created = await api.PostAsync("/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"a"},"data":{"n":"0"}}""");
        var path = "/api/v1/namespaces/default/configmaps/a";

        var wins = await Task.WhenAll(Enumerable.Range(0, 32).Select(async _ =>
        {
            for (var attempt = 0; ; attempt++)
            {
                var value = (await api.GetAsync(path)).Json;
                value["data"]!["n"] = $"{int.Parse((string)value["data"]!["n"]!) + 1}";
                if ((await api.PutAsync(path, value)).Status == HttpStatusCode.OK) return attempt;
            }
        }));

        var end = await api.GetAsync(path);
        Assert.Equal("32", (string?)end.Json["data"]!["n"]);
        Assert.Equal(32, long.Parse(end.Version) - long.Parse(created.Version));
        Assert.Equal(32, wins.Length);
    }

    [Fact]
    public async Task JsonPatch_AllOperations_Apply()
    {
        await using var api = await StartAsync();
        await api.PostAsync(Secrets, """{"metadata":{"name":"a","annotations":{"x/y":"1"}},"data":{"a":"","b":"djE="}}""");

        var answer = await api.PatchAsync(Secrets + "/a", JsonPatch, """
            [{"op":"test","path":"/metadata/annotations/x~1y","value":"1"},{"op":"remove","path":"/data/a"},
             {"op":"copy","from":"/data/b","path":"/data/c"},{"op":"move","from":"/data/b","path":"/data/d"},
             {"op":"add","path":"/data/e","value":"djI="},{"op":"replace","path":"/data/c","value":"djM="}]
            """);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("""{"c":"djM=","d":"djE=","e":"djI="}""",
            new JsonObject(answer.Json["data"]!.AsObject()
                .OrderBy(pair => pair.Key).Select(pair => KeyValuePair.Create(pair.Key, pair.Value?.DeepClone()))).ToJsonString());
    }

    [Theory]
    [InlineData("""[{"op":"test","path":"/data/key","value":"other"}]""", 422, "Invalid")]
    [InlineData("""[{"op":"remove","path":"/data/none"}]""", 422, "Invalid")]
    [InlineData("""[{"op":"replace","path":"/metadata/resourceVersion","value":"1"}]""", 409, "Conflict")]
    [InlineData("""{"op":"remove"}""", 400, "BadRequest")]
    public async Task JsonPatch_ThatDoesNotApply_IsRefused(string patch, int status, string reason)
    {
        await using var api = await StartAsync();
        await api.CreateSecretAsync("a");

        var answer = await api.PatchAsync(Secrets + "/a", JsonPatch, patch);

        Assert.Equal((status, reason), ((int)answer.Status, answer.Reason));
    }

    [Fact]
    public async Task MergePatch_NullRemovesAndResourceVersionLocks()
    {
        await using var api = await StartAsync();
        var created = await api.CreateSecretAsync("a", ""","labels":{"a":"1","b":"2"}""");

        var answer = await api.PatchAsync(Secrets + "/a", MergePatch,
            $$$$"""{"metadata":{"resourceVersion":"{{{{created.Version}}}}","labels":{"a":null}}}""");
        var stale = await api.PatchAsync(Secrets + "/a", MergePatch,
            $$$$"""{"metadata":{"resourceVersion":"{{{{created.Version}}}}","labels":{"b":null}}}""");

        Assert.Equal("""{"b":"2"}""", answer.Json["metadata"]!["labels"]!.ToJsonString());
        Assert.Equal((HttpStatusCode.Conflict, "Conflict"), (stale.Status, stale.Reason));
    }

    [Fact]
    public async Task Patch_OfAnotherContentType_IsUnsupported()
    {
        await using var api = await StartAsync();
        await api.CreateSecretAsync("a");

        var answer = await api.PatchAsync(Secrets + "/a", "application/json", "{}");

        Assert.Equal((HttpStatusCode.UnsupportedMediaType, "UnsupportedMediaType"), (answer.Status, answer.Reason));
    }

    [Fact]
    public async Task Status_IsWrittenThroughItsSubresourceOnly()
    {
        await using var api = await StartAsync();
        await api.PostAsync(Proxies, Proxy);

        var main = await api.PatchAsync(Proxies + "/p", MergePatch, """{"status":{"a":1},"spec":{"version":"2"}}""");
        var sub = await api.PatchAsync(Proxies + "/p/status", MergePatch, """{"status":{"a":1},"spec":{"version":"3"}}""");

        Assert.Null(main.Json["status"]);
        Assert.Equal(2, (int)main.Json["metadata"]!["generation"]!);
        Assert.Equal(1, (int)sub.Json["status"]!["a"]!);
        Assert.Equal("2", (string?)sub.Json["spec"]!["version"]);
        Assert.Equal(2, (int)sub.Json["metadata"]!["generation"]!);
    }

    [Fact]
    public async Task Cluster_IsTheSameObjectInBothVersions()
    {
        await using var api = await StartAsync();
        await api.PostAsync(Clusters,
            """{"apiVersion":"cluster.x-k8s.io/v1beta1","kind":"Cluster","metadata":{"name":"c"},"spec":{"topology":{"version":"v1"}}}""");

        var answer = await api.GetAsync(Clusters.Replace("v1beta1", "v1beta2", StringComparison.Ordinal) + "/c");

        Assert.Equal("cluster.x-k8s.io/v1beta2", (string?)answer.Json["apiVersion"]);
        Assert.Equal("v1", (string?)answer.Json["spec"]!["topology"]!["version"]);
    }

    [Fact]
    public async Task Event_IsTheSameObjectInBothGroups()
    {
        await using var api = await StartAsync();
        await api.PostAsync("/apis/events.k8s.io/v1/namespaces/default/events", """
            {"metadata":{"name":"e"},"eventTime":"2030-01-01T00:00:00.000000Z","reason":"Renewed","action":"Renew","type":"Normal","note":"text",
             "reportingController":"example.com/hook","reportingInstance":"hook-0","regarding":{"kind":"Cluster","namespace":"default","name":"c"}}
            """);

        var answer = await api.GetAsync("/api/v1/namespaces/default/events/e");

        Assert.Equal("text", (string?)answer.Json["message"]);
        Assert.Equal("c", (string?)answer.Json["involvedObject"]!["name"]);
    }

    [Fact]
    public async Task DryRun_AnswersAndChangesNothing()
    {
        await using var api = await StartAsync();

        var answer = await api.PostAsync(Secrets + "?dryRun=All", """{"metadata":{"name":"a"}}""");

        Assert.Equal(HttpStatusCode.Created, answer.Status);
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync(Secrets + "/a")).Status);
    }
}
