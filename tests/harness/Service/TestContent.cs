using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Service;

/// <summary>RegistryContents as people declare them.</summary>
public static class TestContent
{
    /// <summary>A content with any spec.</summary>
    public static JsonObject New(string name, JsonObject spec) => new()
    {
        ["apiVersion"] = "capi-registry-hook.io/v1alpha1",
        ["kind"] = "RegistryContent",
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = spec,
    };

    /// <summary>A content of images in a registry whose authority is in the Secret <c>source-ca</c> beside it.</summary>
    public static JsonObject FromRegistry(string name, string host, params string[] images) => New(name, new JsonObject
    {
        ["source"] = new JsonObject
        {
            ["registry"] = new JsonObject { ["host"] = host, ["caSecretRef"] = new JsonObject { ["name"] = "source-ca" } },
        },
        ["lock"] = new JsonObject { ["content"] = new JsonArray([.. images.Select(image => (JsonNode)image)]) },
    });
}
