using System.Net;
using System.Text.Json.Nodes;
using static CapiRegistryHook.Unit.Tests.Harness.ApiSession;

namespace CapiRegistryHook.Unit.Tests.Harness;

/// <summary>Server-side apply: who owns what, and what happens when two want the same.</summary>
public sealed class EmbeddedApplyTests
{
    private const string Path = Secrets + "/a";

    [Fact]
    public async Task Apply_ToNothing_CreatesFromYamlAndNotesTheOwner()
    {
        await using var api = await StartAsync();

        var answer = await api.ApplyAsync(
            Path, "one", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  labels: {x: \"1\"}\ndata:\n  k: djE=\n");

        Assert.Equal(HttpStatusCode.Created, answer.Status);
        var entry = Assert.Single(answer.Json["metadata"]!["managedFields"]!.AsArray())!;
        Assert.Equal(("one", "Apply", "v1", "FieldsV1"),
            ((string?)entry["manager"], (string?)entry["operation"], (string?)entry["apiVersion"], (string?)entry["fieldsType"]));
        Assert.Equal("""{"f:data":{"f:k":{}},"f:metadata":{"f:labels":{"f:x":{}}}}""", entry["fieldsV1"]!.ToJsonString());
    }

    [Fact]
    public async Task Apply_OfTheSame_KeepsTheResourceVersion()
    {
        await using var api = await StartAsync();
        var first = await api.ApplyAsync(Path, "one", Body("k", "djE="));

        var second = await api.ApplyAsync(Path, "one", Body("k", "djE="));

        Assert.Equal((HttpStatusCode.OK, first.Version), (second.Status, second.Version));
    }

    [Fact]
    public async Task Apply_WithoutAField_RemovesItUnlessSomebodyElseOwnsIt()
    {
        await using var api = await StartAsync();
        await api.ApplyAsync(
            Path, "one", """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"mine":"djE=","ours":"djE="}}""");
        await api.ApplyAsync(Path, "two", Body("ours", "djE="));

        var answer = await api.ApplyAsync(Path, "one", """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}""");

        Assert.Equal("""{"ours":"djE="}""", answer.Json["data"]!.ToJsonString());
        Assert.Equal("two", (string?)Assert.Single(answer.Json["metadata"]!["managedFields"]!.AsArray())!["manager"]);
    }

    [Fact]
    public async Task Apply_OfTheLastFieldDropped_RemovesTheEmptyMap()
    {
        await using var api = await StartAsync();
        await api.ApplyAsync(Path, "one", Body("k", "djE="));

        var answer = await api.ApplyAsync(Path, "one", """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}""");

        Assert.False(answer.Json.ContainsKey("data"));
    }

    [Fact]
    public async Task Apply_OfAnothersField_IsAConflictThatNamesItUnlessForced()
    {
        await using var api = await StartAsync();
        await api.ApplyAsync(Path, "one", Body("k", "djE="));

        var refused = await api.ApplyAsync(Path, "two", Body("k", "djI="));
        var forced = await api.ApplyAsync(Path, "two", Body("k", "djI="), force: true);

        Assert.Equal((HttpStatusCode.Conflict, "Conflict"), (refused.Status, refused.Reason));
        Assert.Equal("Apply failed with 1 conflict: conflict with \"one\": .data.k", refused.Text);
        var cause = Assert.Single(refused.Json["details"]!["causes"]!.AsArray())!;
        Assert.Equal(("FieldManagerConflict", ".data.k"), ((string?)cause["reason"], (string?)cause["field"]));
        Assert.Equal(HttpStatusCode.OK, forced.Status);
        Assert.Equal("djI=", (string?)forced.Json["data"]!["k"]);
        Assert.Equal("two", (string?)Assert.Single(forced.Json["metadata"]!["managedFields"]!.AsArray())!["manager"]);
    }

    [Fact]
    public async Task Apply_OverAnUpdatersField_NamesTheUpdater()
    {
        await using var api = await StartAsync();
        await api.PostAsync(Secrets + "?fieldManager=maker", """{"metadata":{"name":"a"},"data":{"k":"djE="}}""");

        var answer = await api.ApplyAsync(Path, "two", Body("k", "djI="));

        Assert.Equal("Apply failed with 1 conflict: conflict with \"maker\" using v1: .data.k", answer.Text);
    }

    [Fact]
    public async Task Update_OfAnAppliedField_TakesItOver()
    {
        await using var api = await StartAsync();
        await api.ApplyAsync(Path, "one", Body("k", "djE="));
        await api.PatchAsync(Path + "?fieldManager=edit", MergePatch, """{"data":{"k":"djI="}}""");

        var answer = await api.ApplyAsync(Path, "one", Body("k", "djE="));

        Assert.Equal(HttpStatusCode.Conflict, answer.Status);
        Assert.Contains("\"edit\"", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_OwnerReferences_AreMergedByUid()
    {
        await using var api = await StartAsync();
        await api.ApplyAsync(Path, "one", Owned("u1", "first"));
        var both = await api.ApplyAsync(Path, "two", Owned("u2", "second"));

        var left = await api.ApplyAsync(Path, "one", """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}""");

        Assert.Equal(["u1", "u2"], both.Json["metadata"]!["ownerReferences"]!.AsArray().Select(owner => (string)owner!["uid"]!));
        Assert.Equal("second", (string?)Assert.Single(left.Json["metadata"]!["ownerReferences"]!.AsArray())!["name"]);
    }

    [Fact]
    public async Task Apply_OwnerReferenceOfTheSameUid_IsChangedInPlace()
    {
        await using var api = await StartAsync();
        await api.ApplyAsync(Path, "one", Owned("u1", "first"));

        var answer = await api.ApplyAsync(Path, "one", Owned("u1", "renamed"));

        Assert.Equal("renamed", (string?)Assert.Single(answer.Json["metadata"]!["ownerReferences"]!.AsArray())!["name"]);
    }

    [Fact]
    public async Task Apply_Finalizers_AreASet()
    {
        await using var api = await StartAsync();
        await api.ApplyAsync(Path, "one", """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","finalizers":["x.io/a"]}}""");
        var both =
            await api.ApplyAsync(Path, "two", """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","finalizers":["x.io/b"]}}""");

        var left = await api.ApplyAsync(Path, "one", """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}""");

        Assert.Equal("""["x.io/a","x.io/b"]""", both.Json["metadata"]!["finalizers"]!.ToJsonString());
        Assert.Equal("""["x.io/b"]""", left.Json["metadata"]!["finalizers"]!.ToJsonString());
    }

    [Fact]
    public async Task Apply_WithAnOldResourceVersion_IsConflictEvenWhenForced()
    {
        await using var api = await StartAsync();
        var first = await api.ApplyAsync(Path, "one", Body("k", "djE="));
        await api.ApplyAsync(Path, "one", Body("k", "djI="));
        var stale = JsonNode.Parse(Body("k", "djM="))!;
        stale["metadata"]!["resourceVersion"] = first.Version;

        var answer = await api.ApplyAsync(Path, "one", stale.ToJsonString(), force: true);

        Assert.Equal((HttpStatusCode.Conflict, "Conflict"), (answer.Status, answer.Reason));
        Assert.Contains("the object has been modified", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_WithoutFieldManager_IsInvalid()
    {
        await using var api = await StartAsync();

        var answer = await api.PatchAsync(Path, ApplyPatch, Body("k", "djE="));

        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.Status);
        Assert.Contains("fieldManager: Required value", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_OfManagedFields_IsRefused()
    {
        await using var api = await StartAsync();
        var first = await api.ApplyAsync(Path, "one", Body("k", "djE="));

        var answer = await api.ApplyAsync(Path, "one", first.Json.ToJsonString());

        Assert.Equal((HttpStatusCode.BadRequest, "metadata.managedFields must be nil"), (answer.Status, answer.Text));
    }

    [Fact]
    public async Task Apply_CustomResource_DefaultsAreNotOwnedAndRepeatsAreStill()
    {
        await using var api = await StartAsync();
        const string body =
            """{"apiVersion":"addons.cluster.x-k8s.io/v1alpha1","kind":"HelmChartProxy","metadata":{"name":"p"},"spec":{"chartName":"c","repoURL":"oci://x","clusterSelector":{"matchLabels":{"a":"b"}},"options":{"wait":true}}}""";

        var first = await api.ApplyAsync(Proxies + "/p", "one", body);
        var second = await api.ApplyAsync(Proxies + "/p", "one", body);

        Assert.Equal(HttpStatusCode.Created, first.Status);
        Assert.Equal(first.Version, second.Version);
        Assert.False((bool)first.Json["spec"]!["options"]!["enableClientCache"]!);
        Assert.Equal("""{"f:spec":{"f:chartName":{},"f:clusterSelector":{},"f:options":{"f:wait":{}},"f:repoURL":{}}}""",
            first.Json["metadata"]!["managedFields"]![0]!["fieldsV1"]!.ToJsonString());
    }

    [Theory]
    [InlineData("""{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"extra":1}""", 500, ".extra: field not declared in schema")]
    [InlineData("""{"kind":"Secret","metadata":{"name":"a"}}""", 400, "Incorrect version specified in apply patch")]
    [InlineData("""{"apiVersion":"v1","kind":"Secret","metadata":{"name":"b"}}""", 400, "does not match the name on the URL")]
    [InlineData("""{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","uid":"5"}}""", 409, "no existing object was found")]
    public async Task Apply_OfAWrongObject_IsRefused(string body, int status, string part)
    {
        await using var api = await StartAsync();

        var answer = await api.ApplyAsync(Path, "one", body);

        Assert.Equal(status, (int)answer.Status);
        Assert.Contains(part, answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_ByManyAtOnce_CreatesOnceAndMergesAll()
    {
        await using var api = await StartAsync();

        var answers =
            await Task.WhenAll(Enumerable.Range(0, 32).Select(index => api.ApplyAsync(Path, $"m{index}", Body($"k{index}", "djE="))));

        Assert.Single(answers, answer => answer.Status == HttpStatusCode.Created);
        Assert.Equal(32, (await api.GetAsync(Path)).Json["data"]!.AsObject().Count);
    }

    private static string Body(string key, string value) =>
        $$$"""{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"{{{key}}}":"{{{value}}}"}}""";

    private static string Owned(string uid, string name) =>
        $$$"""{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"{{{name}}}","uid":"{{{uid}}}"}]}}""";
}
