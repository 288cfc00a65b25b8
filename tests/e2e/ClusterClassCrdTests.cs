using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>What <c>schema</c> prints, held against the definition of ClusterClass: the official one where it is at hand.</summary>
[Collection(OnApiServers.Name)]
public sealed class ClusterClassCrdTests(RealEnvironment fixture)
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("v1beta1")]
    [InlineData("v1beta2")]
    public async Task Schema_OfAVersion_IsAcceptedByThatVersionAndKeptWhole(string version)
    {
        var sent = await ExcerptAsync(version);

        var (status, kept) = await TryCreateAsync(version, sent);

        Assert.True(status == HttpStatusCode.Created, kept.ToJsonString());
        Assert.True(JsonNode.DeepEquals(sent["spec"]!["variables"], kept["spec"]!["variables"]), kept.ToJsonString());
        Assert.True(JsonNode.DeepEquals(sent["spec"]!["patches"], kept["spec"]!["patches"]), kept.ToJsonString());
        Assert.Null(kept["spec"]!["patches"]![0]!["external"]!["discoverVariablesExtension"]);
    }

    /// <summary>Shows that the definition is enforced: the fields of one version are not those of the other.</summary>
    [Fact]
    public async Task Schema_OfTheOtherVersion_IsNotKept()
    {
        var sent = await ExcerptAsync("v1beta1");

        var (status, kept) = await TryCreateAsync("v1beta2", sent);

        Assert.True(
            status == HttpStatusCode.UnprocessableEntity
            || !JsonNode.DeepEquals(sent["spec"]!["patches"], kept["spec"]!["patches"]), kept.ToJsonString());
    }

    /// <summary>A class with the inline definition is validated and defaulted like one that asks DiscoverVariables.</summary>
    [Fact]
    public async Task Schema_InlineVariable_IsWhatDiscoverVariablesAnswers()
    {
        var golden = Path.Combine(RepositoryRoot.Find(), "tests", "unit", "testdata", "discovervariables", "default", "response.json");
        var discovered = JsonNode.Parse(await File.ReadAllTextAsync(golden, CancellationToken))!["variables"]!;

        var inline = (await ExcerptAsync("v1beta2"))["spec"]!["variables"]!;
        var settings = Assert.Single(RenderedObjects.Read(await RunAsync("--part", "settings")));

        Assert.True(JsonNode.DeepEquals(discovered, inline), inline.ToJsonString());
        var registry = inline[0]!["schema"]!["openAPIV3Schema"]!["properties"]!["addons"]!["properties"]!["registry"];
        Assert.True(JsonNode.DeepEquals(registry, settings), settings.ToJsonString());
    }

    [Fact]
    public async Task Schema_OtherVariable_IsNamed()
    {
        var text = await RunAsync("--variable-name", "registryConfig", "--variable-path", "registry", "--extension-config", "mirror");

        var spec = Assert.Single(RenderedObjects.Read(text))["spec"]!;
        Assert.Equal("registryConfig", (string)spec["variables"]![0]!["name"]!);
        Assert.NotNull(spec["variables"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["registry"]);
        Assert.Equal("generatepatches-v3.mirror", (string)spec["patches"]![0]!["external"]!["generatePatchesExtension"]!);
    }

    private static async Task<JsonObject> ExcerptAsync(string version)
    {
        var excerpt = Assert.Single(RenderedObjects.Read(await RunAsync("--api-version", version)));
        Assert.Equal($"cluster.x-k8s.io/{version}", (string)excerpt["apiVersion"]!);
        excerpt["metadata"] = new JsonObject { ["name"] = "inline" };
        excerpt["spec"]!["controlPlane"] = Template(version, "KubeadmControlPlaneTemplate");
        excerpt["spec"]!["infrastructure"] = Template(version, "DockerClusterTemplate");
        return excerpt;
    }

    private static JsonObject Template(string version, string kind) => new()
    {
        [version == "v1beta1" ? "ref" : "templateRef"] =
            new JsonObject { ["apiVersion"] = "example.cluster.x-k8s.io/v1", ["kind"] = kind, ["name"] = "template" },
    };

    private static async Task<string> RunAsync(params string[] arguments)
    {
        var run = await ProgramRun.RunAsync(HookService.ProgramPath(), ["schema", .. arguments], CancellationToken);
        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        return run.Output;
    }

    private async Task<(HttpStatusCode Status, JsonObject Answer)> TryCreateAsync(string version, JsonObject value)
    {
        using var http = AdminHttp.Create((await fixture.EmptyAsync(CancellationToken)).Management);
        value["apiVersion"] = $"{await CustomResources.InstallClusterClassAsync(http, version, CancellationToken)}/{version}";
        var path = $"/apis/{value["apiVersion"]}/namespaces/default/clusterclasses?dryRun=All";
        using var body = new StringContent(value.ToJsonString(), new MediaTypeHeaderValue("application/json"));
        using var answer = await http.PostAsync(new Uri(path, UriKind.Relative), body, CancellationToken);
        return (answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync(CancellationToken))!.AsObject());
    }
}
