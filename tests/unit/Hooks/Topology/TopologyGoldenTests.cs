using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Handlers;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Unit.Tests.Hooks.Topology;

/// <summary>
/// Every folder below <c>testdata/{hook}</c> is a case: <c>request.json</c> comes in, the bytes of <c>response.json</c> go out, and
/// <c>patched.json</c> shows what the patches make of the templates. UPDATE_GOLDEN=1 writes the answers anew. Those of a released
/// handler version must stay as they are: other bytes in a template replace every node.
/// </summary>
public sealed class TopologyGoldenTests
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string Root = Path.Combine(RepositoryRoot.Find(), "tests", "unit", "testdata");

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (var hook in new[] { "discovervariables", "generatepatches", "generatepatches-v2", "generatepatches-v3", "validatetopology" })
        {
            foreach (var folder in Directory.GetDirectories(Path.Combine(Root, hook)).Order(StringComparer.Ordinal))
                cases.Add(hook, Path.GetFileName(folder));
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Answer_Request_IsTheGoldenResponse(string hook, string name)
    {
        var folder = Path.Combine(Root, hook, name);
        var request = File.ReadAllText(Path.Combine(folder, "request.json"));

        var response = TopologyCall.Answer(hook, request);

        Check(Path.Combine(folder, "response.json"), response + "\n");
        if (hook.StartsWith("generatepatches", StringComparison.Ordinal))
            Check(Path.Combine(folder, "patched.json"), TopologyCall.ChangedTemplates(request, response).ToJsonString(Indented) + "\n");
        Assert.Equal(response, TopologyCall.Answer(hook, request));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Answer_ToItsOwnOutput_ChangesNothing(string hook, string name)
    {
        if (!hook.StartsWith("generatepatches", StringComparison.Ordinal))
            return;
        var request = File.ReadAllText(Path.Combine(Root, hook, name, "request.json"));
        var response = TopologyCall.Answer(hook, request);

        var second = TopologyCall.Answer(hook, TopologyCall.Patched(request, response).ToJsonString());

        Assert.Empty(JsonNode.Parse(second)!["items"]!.AsArray());
        Assert.Equal((string?)JsonNode.Parse(response)!["message"], (string?)JsonNode.Parse(second)!["message"]);
    }

    private static void Check(string file, string wanted)
    {
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
            File.WriteAllText(file, wanted);
        Assert.Equal(File.ReadAllText(file), wanted);
    }
}

/// <summary>Asks a topology handler, and plays what Cluster API does with its patches.</summary>
internal static class TopologyCall
{
    public static ITopologyHandler Handler(string hook, RegistryOptions? options = null) => hook switch
    {
        "discovervariables" => new DiscoverVariablesHandler(options ?? new RegistryOptions()),
        "generatepatches" => new GeneratePatchesHandler(options ?? new RegistryOptions(), NodeFormat.V1),
        "generatepatches-v2" => new GeneratePatchesHandler(options ?? new RegistryOptions(), NodeFormat.V2),
        "generatepatches-v3" => new GeneratePatchesHandler(options ?? new RegistryOptions(), NodeFormat.V3),
        "validatetopology" => new ValidateTopologyHandler(options ?? new RegistryOptions()),
        _ => throw new ArgumentException($"There is no handler for {hook}.", nameof(hook)),
    };

    public static string Answer(string hook, string request, RegistryOptions? options = null)
    {
        using var response = new PooledBytes();
        Handler(hook, options).Answer(Encoding.UTF8.GetBytes(request), response);
        return Encoding.UTF8.GetString(response.Written.Span);
    }

    /// <summary>The request with the patches applied to its templates.</summary>
    public static JsonObject Patched(string request, string response)
    {
        var patched = JsonNode.Parse(request)!.AsObject();
        foreach (var (uid, patch) in Patches(response))
        {
            var item = patched["items"]!.AsArray().Single(item => (string?)item!["uid"] == uid)!;
            item["object"] = JsonPatch.Apply(item["object"]!.AsObject(), patch);
        }

        return patched;
    }

    /// <summary>The templates that a response changes, by uid.</summary>
    public static JsonObject ChangedTemplates(string request, string response)
    {
        var patched = Patched(request, response);
        return new JsonObject(Patches(response).Select(entry => KeyValuePair.Create(
            entry.Uid, patched["items"]!.AsArray().Single(item => (string?)item!["uid"] == entry.Uid)!["object"]?.DeepClone())));
    }

    private static IEnumerable<(string Uid, JsonNode Patch)> Patches(string response)
    {
        foreach (var item in JsonNode.Parse(response)!["items"]?.AsArray() ?? [])
        {
            Assert.Equal("JSONPatch", (string?)item!["patchType"]);
            yield return ((string)item["uid"]!, JsonNode.Parse(Convert.FromBase64String((string)item["patch"]!))!);
        }
    }
}
