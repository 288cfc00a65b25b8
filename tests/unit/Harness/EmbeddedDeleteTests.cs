using System.Net;
using static CapiRegistryHook.Unit.Tests.Harness.ApiSession;

namespace CapiRegistryHook.Unit.Tests.Harness;

/// <summary>Delete: preconditions, finalizers, what goes along, and namespaces.</summary>
public sealed class EmbeddedDeleteTests
{
    [Fact]
    public async Task Delete_AnswersASuccessThatNamesTheObject()
    {
        await using var api = await StartAsync();
        var created = await api.CreateSecretAsync("a");

        var answer = await api.DeleteAsync(Secrets + "/a");

        Assert.Equal((HttpStatusCode.OK, "Success"), (answer.Status, (string?)answer.Json["status"]));
        Assert.Equal(created.Uid, (string?)answer.Json["details"]!["uid"]);
        Assert.Equal(HttpStatusCode.NotFound, (await api.DeleteAsync(Secrets + "/a")).Status);
    }

    [Theory]
    [InlineData("uid")]
    [InlineData("resourceVersion")]
    public async Task Delete_WithAWrongPrecondition_IsConflict(string field)
    {
        await using var api = await StartAsync();
        await api.CreateSecretAsync("a");

        var answer =
            await api.DeleteAsync(Secrets + "/a", $$$"""{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"{{{field}}}":"7"}}""");

        Assert.Equal((HttpStatusCode.Conflict, "Conflict"), (answer.Status, answer.Reason));
        Assert.Contains("in the precondition (7) does not match", answer.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync(Secrets + "/a")).Status);
    }

    [Fact]
    public async Task Delete_WithTheRightPreconditions_Deletes()
    {
        await using var api = await StartAsync();
        var created = await api.CreateSecretAsync("a");

        var answer = await api.DeleteAsync(Secrets + "/a",
            $$$"""{"preconditions":{"uid":"{{{created.Uid}}}","resourceVersion":"{{{created.Version}}}"}}""");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync(Secrets + "/a")).Status);
    }

    [Fact]
    public async Task Delete_WithFinalizers_MarksAndGoesWithTheLastOfThem()
    {
        await using var api = await StartAsync();
        await api.CreateSecretAsync("a", ""","finalizers":["x.io/a"]""");

        var marked = await api.DeleteAsync(Secrets + "/a");
        var added = await api.PatchAsync(Secrets + "/a", MergePatch, """{"metadata":{"finalizers":["x.io/a","x.io/b"]}}""");
        var released = await api.PatchAsync(Secrets + "/a", MergePatch, """{"metadata":{"finalizers":null}}""");

        Assert.NotNull(marked.Json["metadata"]!["deletionTimestamp"]);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, added.Status);
        Assert.Equal(HttpStatusCode.OK, released.Status);
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync(Secrets + "/a")).Status);
    }

    [Theory]
    [InlineData("Background", HttpStatusCode.NotFound)]
    [InlineData("Foreground", HttpStatusCode.NotFound)]
    [InlineData("Orphan", HttpStatusCode.OK)]
    public async Task Delete_OfAnOwner_TakesItsDependentsUnlessOrphaned(string policy, HttpStatusCode dependent)
    {
        await using var api = await StartAsync();
        var owner = await api.CreateSecretAsync("owner");
        var child = await api.CreateSecretAsync("child", Owners(owner.Uid));
        await api.CreateSecretAsync("grandchild", Owners(child.Uid));

        await api.DeleteAsync(Secrets + "/owner", $$"""{"propagationPolicy":"{{policy}}"}""");

        var answer = await api.GetAsync(Secrets + "/child");
        Assert.Equal(dependent, answer.Status);
        Assert.Equal(dependent, (await api.GetAsync(Secrets + "/grandchild")).Status);
        if (policy == "Orphan") Assert.Null(answer.Json["metadata"]!["ownerReferences"]);
    }

    [Fact]
    public async Task Delete_OfOneOfTwoOwners_KeepsTheDependent()
    {
        await using var api = await StartAsync();
        var one = await api.CreateSecretAsync("one");
        var two = await api.CreateSecretAsync("two");
        await api.CreateSecretAsync("child", Owners(one.Uid, two.Uid));

        await api.DeleteAsync(Secrets + "/one");
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync(Secrets + "/child")).Status);
        await api.DeleteAsync(Secrets + "/two");

        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync(Secrets + "/child")).Status);
    }

    [Fact]
    public async Task Delete_OfANamespace_TakesItsContentAndWaitsForFinalizers()
    {
        await using var api = await StartAsync();
        await api.PostAsync("/api/v1/namespaces", """{"metadata":{"name":"n"}}""");
        await api.CreateSecretAsync("plain", "", "n");
        await api.CreateSecretAsync("held", ""","finalizers":["x.io/a"]""", "n");

        var answer = await api.DeleteAsync("/api/v1/namespaces/n");
        var refused = await api.PostAsync("/api/v1/namespaces/n/secrets", """{"metadata":{"name":"late"}}""");
        Assert.Equal(["held"], (await api.GetAsync("/api/v1/namespaces/n/secrets")).Names);
        await api.PatchAsync("/api/v1/namespaces/n/secrets/held", MergePatch, """{"metadata":{"finalizers":null}}""");

        Assert.Equal("Terminating", (string?)answer.Json["status"]!["phase"]);
        Assert.Equal((HttpStatusCode.Forbidden, "Forbidden"), (refused.Status, refused.Reason));
        Assert.Equal("NamespaceTerminating", (string?)refused.Json["details"]!["causes"]![0]!["reason"]);
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync("/api/v1/namespaces/n")).Status);
    }

    [Fact]
    public async Task DeleteCollection_WithASelector_TakesTheMatching()
    {
        await using var api = await StartAsync();
        await api.CreateSecretAsync("a", ""","labels":{"go":"1"}""");
        await api.CreateSecretAsync("b");

        await api.DeleteAsync(Secrets + "?labelSelector=go");

        Assert.Equal(["b"], (await api.GetAsync(Secrets)).Names);
    }

    private static string Owners(params string[] uids) => $$"""
        ,"ownerReferences":[{{string.Join(',', uids.Select(uid => $$"""{"apiVersion":"v1","kind":"Secret","name":"owner","uid":"{{uid}}"}"""))}}]
        """;
}
