using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// The CEL rules of RegistryContents in an engine for CEL, because the API server of the other tests is older than them. The service, which
/// may meet such a server too, has to judge the same.
/// </summary>
public sealed class RegistryContentRuleTests
{
    private const string Registry = """{"registry": {"host": "registry.example.com"}}""";
    private const string Content = """{"content": ["registry.k8s.io/pause:3.10"]}""";
    private const string Artifact = """{"artifact": {"repository": "lock", "digest": "sha256:{0}"}}""";

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("base", Registry, Content, "")]
    [InlineData("base", Registry, Artifact, "")]
    [InlineData("base", Registry, Content, """, "delivery": "Pull" """)]
    [InlineData("base", """{"bundle": {"path": "v1.35/images.tar"}}""", "", "")]
    [InlineData("base", """{"bundle": {"path": "images..tar"}}""", Content, """, "delivery": "Push" """)]
    [InlineData("base", Registry, Content,
        """, "clusterSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}, {"key": "c", "operator": "Exists"}]}""")]
    public async Task Rules_GoodContent_AcceptIt(string name, string source, string @lock, string more)
    {
        var content = Make(name, source, @lock, more);

        Assert.Empty(await BrokenAsync(content));
        Assert.Empty(Problems(content));
    }

    [Theory]
    [InlineData("a234567890123456789012345678901234567890123456789012345678901234", Registry, Content, "", "at most 63 characters")]
    [InlineData("base", Registry, "", "", "lock is missing; only a bundle brings its own")]
    [InlineData("base", """{"bundle": {"path": "a.tar"}}""", Artifact, "", "artifact needs a registry as source")]
    [InlineData("base", """{"bundle": {"path": "a.tar"}}""", "", """, "delivery": "Pull" """, "can't be Pull with a bundle")]
    [InlineData("base", "{}", Content, "", "must have exactly one of registry and bundle")]
    [InlineData("base", """{"bundle": {"path": "/a.tar"}}""", "", "", "must be a relative path without ..")]
    [InlineData("base", """{"bundle": {"path": "a/../b.tar"}}""", "", "", "must be a relative path without ..")]
    [InlineData("base", """{"bundle": {"path": "a//b.tar"}}""", "", "", "must be a relative path without ..")]
    [InlineData("base", Registry, "{}", "", "must have exactly one of content, configMapRef and artifact")]
    [InlineData("base", Registry, """{"content": ["a:1"], "configMapRef": {"name": "m"}}""", "",
        "must have exactly one of content, configMapRef and artifact")]
    [InlineData("base", Registry, Content, """, "clusterSelector": {"matchExpressions": [{"key": "a", "operator": "NotIn"}]}""", "values")]
    [InlineData("base", Registry, Content,
        """, "clusterSelector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}""", "values")]
    public async Task Rules_BadContent_RefuseIt(string name, string source, string @lock, string more, string why)
    {
        var content = Make(name, source, @lock, more);

        Assert.Contains(why, Assert.Single(await BrokenAsync(content)), StringComparison.Ordinal);
        Assert.Contains(why, Assert.Single(Problems(content)), StringComparison.Ordinal);
    }

    private static JsonObject Make(string name, string source, string @lock, string more) => JsonNode.Parse($$"""
        {"metadata": {"name": "{{name}}", "namespace": "default"}, "spec": {"source": {{source}}
        {{(@lock.Length == 0 ? "" : $", \"lock\": {@lock.Replace("{0}", new string('0', 64), StringComparison.Ordinal)}")}}{{more}} } }
        """)!.AsObject();

    private static IEnumerable<string> Problems(JsonObject content) => ContentRules.Validate(
        content.Deserialize(ContentResources.Contents.Json)!, []).Select(problem => problem.Sentence);

    /// <summary>The messages of the rules that refuse it.</summary>
    private static async Task<IEnumerable<string>> BrokenAsync(JsonObject content)
    {
        var path = Path.Combine(RepositoryRoot.Find(), "charts", "capi-registry-hook", "files", "registrycontents.yaml");
        var definition = Assert.Single(RenderedObjects.Read(await File.ReadAllTextAsync(path, CancellationToken)));
        List<(string Message, JsonObject Question)> asked =
            [.. Questions(definition["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!, content)];
        var run = await ProgramRun.RunAsync(await TestTools.PathOfAsync("cel"), [], CancellationToken,
            new JsonArray([.. asked.Select(each => each.Question)]).ToJsonString());
        Assert.True(run.ExitCode == 0, run.Errors);
        var answers = JsonNode.Parse(run.Output)!.AsArray();
        Assert.All(answers, answer => Assert.True(answer!.GetValueKind() is JsonValueKind.True or JsonValueKind.False, $"{answer}"));
        return asked.Where((_, index) => !(bool)answers[index]!).Select(each => each.Message);
    }

    /// <summary>Each rule beside the part of the object that it is about.</summary>
    private static IEnumerable<(string Message, JsonObject Question)> Questions(JsonNode schema, JsonNode value)
    {
        foreach (var rule in schema["x-kubernetes-validations"] as JsonArray ?? [])
            yield return ((string)rule!["message"]!, new JsonObject { ["rule"] = rule["rule"]!.DeepClone(), ["self"] = value.DeepClone() });
        var parts = value switch
        {
            JsonObject map => map.Select(field => (Schema: schema["properties"]?[field.Key], Value: field.Value)),
            JsonArray list => list.Select(item => (Schema: schema["items"], Value: item)),
            _ => [],
        };
        foreach (var part in parts.Where(part => part is { Schema: not null, Value: not null }))
        {
            foreach (var question in Questions(part.Schema!, part.Value!))
                yield return question;
        }
    }
}
