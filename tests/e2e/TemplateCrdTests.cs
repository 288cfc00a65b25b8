using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// What the topology hooks write, held against the definitions that a real API server enforces: the official ones where they are at hand.
/// </summary>
[Collection(OnApiServers.Name)]
public sealed class TemplateCrdTests(RealEnvironment fixture)
{
    private static readonly string Cases = Path.Combine(RepositoryRoot.Find(), "tests", "unit", "testdata");

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PatchedTemplates_OfEveryCase_AreAcceptedAsTheyAre()
    {
        using var http = AdminHttp.Create((await fixture.EmptyAsync(CancellationToken)).Management);
        await CustomResources.InstallTemplatesAsync(http, CancellationToken);
        var checkedVersions = new HashSet<string>();
        foreach (var file in Directory.GetFiles(Path.Combine(Cases, "generatepatches"), "patched.json", SearchOption.AllDirectories))
        {
            foreach (var (uid, template) in JsonNode.Parse(await File.ReadAllTextAsync(file, CancellationToken))!.AsObject())
            {
                checkedVersions.Add($"{template!["kind"]} {template["apiVersion"]}");
                await AssertAcceptedAsync(http, template.AsObject(), $"{file} {uid}");
            }
        }

        Assert.Equal(4, checkedVersions.Count);
    }

    [Fact]
    public async Task Template_WithAFileThatIsNone_IsRefused()
    {
        using var http = AdminHttp.Create((await fixture.EmptyAsync(CancellationToken)).Management);
        await CustomResources.InstallTemplatesAsync(http, CancellationToken);

        var (status, answer) = await TryCreateAsync(http, JsonNode.Parse("""
            { "apiVersion": "bootstrap.cluster.x-k8s.io/v1beta2", "kind": "KubeadmConfigTemplate", "metadata": { "name": "bad" },
              "spec": { "template": { "spec": { "files": [{ "content": "no path" }] } } } }
            """)!.AsObject());

        Assert.Equal(HttpStatusCode.UnprocessableEntity, status);
        Assert.Contains("path", answer.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task VariableSchema_InADefinition_IsStructuralAndChecksDefaultsAndPrunes()
    {
        using var http = AdminHttp.Create((await fixture.EmptyAsync(CancellationToken)).Management);
        var response =
            JsonNode.Parse(
                await File.ReadAllTextAsync(Path.Combine(Cases, "discovervariables", "default", "response.json"), CancellationToken))!;
        await CustomResources.InstallAsync(
            http, [VariableDefinition(response["variables"]![0]!["schema"]!["openAPIV3Schema"]!)], CancellationToken);

        var (created, value) = await TryCreateAsync(
            http, Variable("""{ "cni": { "any": 1 }, "addons": { "ccm": {}, "registry": { "mirror": {}, "unknown": 1 } } }"""));
        Assert.Equal(HttpStatusCode.Created, created);
        Assert.Equal(
            """{"addons":{"ccm":{},"registry":{"mirror":{"containerdConfig":"auto","dialTimeout":"1s","mode":"default","strict":false},"provider":"CNCF Distribution"}},"cni":{"any":1}}""",
            Sorted(value["value"]!).ToJsonString());
        foreach (var bad in new[] { """{ "replicas": 10 }""", """{ "replicas": "2" }""", """{ "mirror": { "mode": "x" } }""",
            """{ "storage": { "size": "big" } }""", """{ "auth": { "secretRef": {} } }""" })
            Assert.Equal(HttpStatusCode.UnprocessableEntity,
                (await TryCreateAsync(http, Variable($$"""{ "addons": { "registry": {{bad}} } }"""))).Status);
    }

    private static async Task AssertAcceptedAsync(HttpClient http, JsonObject template, string place)
    {
        var (status, answer) = await TryCreateAsync(http, template);
        Assert.True(status == HttpStatusCode.Created, $"{place}: {answer}");
        // Whatever the definition does not know would be gone without a word.
        var (sent, kept) = (NodeLists(template), NodeLists(answer));
        Assert.True(JsonNode.DeepEquals(sent["files"], kept["files"])
            && JsonNode.DeepEquals(sent["preKubeadmCommands"], kept["preKubeadmCommands"]), $"{place}: {kept}");
    }

    private static JsonNode NodeLists(JsonObject template)
    {
        var spec = template["spec"]!["template"]!["spec"]!;
        return spec["kubeadmConfigSpec"] ?? spec;
    }

    private static async Task<(HttpStatusCode Status, JsonObject Answer)> TryCreateAsync(HttpClient http, JsonObject value)
    {
        var path = $"/apis/{value["apiVersion"]}/namespaces/default/{((string)value["kind"]!).ToLowerInvariant()}s?dryRun=All";
        using var body = new StringContent(value.ToJsonString(), new MediaTypeHeaderValue("application/json"));
        using var answer = await http.PostAsync(new Uri(path, UriKind.Relative), body, CancellationToken);
        return (answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync(CancellationToken))!.AsObject());
    }

    private static JsonObject Variable(string value) => new()
    {
        ["apiVersion"] = "test.capi-registry-hook.io/v1",
        ["kind"] = "TopologyVariable",
        ["metadata"] = new JsonObject { ["name"] = "v" },
        ["value"] = JsonNode.Parse(value),
    };

    private static JsonObject VariableDefinition(JsonNode schema) => new()
    {
        ["apiVersion"] = "apiextensions.k8s.io/v1",
        ["kind"] = "CustomResourceDefinition",
        ["metadata"] = new JsonObject { ["name"] = "topologyvariables.test.capi-registry-hook.io" },
        ["spec"] = new JsonObject
        {
            ["group"] = "test.capi-registry-hook.io",
            ["scope"] = "Namespaced",
            ["names"] = new JsonObject { ["kind"] = "TopologyVariable", ["plural"] = "topologyvariables",
            ["singular"] = "topologyvariable" },
            ["versions"] = new JsonArray(new JsonObject
            {
                ["name"] = "v1",
                ["served"] = true,
                ["storage"] = true,
                ["schema"] = new JsonObject
                {
                    ["openAPIV3Schema"] = new JsonObject { ["type"] = "object",
                    ["properties"] = new JsonObject { ["value"] = schema.DeepClone() } },
                },
            }),
        },
    };

    private static JsonNode Sorted(JsonNode node) => node is JsonObject map
        ? new JsonObject(map.OrderBy(field => field.Key, StringComparer.Ordinal)
        .Select(field => KeyValuePair.Create(field.Key, field.Value is null ? null : Sorted(field.Value))))
        : node.DeepClone();
}
