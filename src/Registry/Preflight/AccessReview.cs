using System.Text.Json;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Registry.Preflight;

/// <summary>The question of a SubjectAccessReview: https://kubernetes.io/docs/reference/access-authn-authz/authorization/.</summary>
internal static class AccessReview
{
    /// <summary>May a service account do this in a namespace?</summary>
    public static JsonElement Write(
        string accountNamespace, string account, string @namespace, string group, string resource, string verb)
    {
        var spec = new JsonObject
        {
            ["user"] = $"system:serviceaccount:{accountNamespace}:{account}",
            ["groups"] = new JsonArray(
                "system:serviceaccounts", $"system:serviceaccounts:{accountNamespace}", "system:authenticated"),
            ["resourceAttributes"] = new JsonObject
            {
                ["namespace"] = @namespace, ["group"] = group, ["resource"] = resource, ["verb"] = verb,
            },
        };
        using var json = JsonDocument.Parse(spec.ToJsonString());
        return json.RootElement.Clone();
    }
}
