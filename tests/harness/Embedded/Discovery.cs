using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>The plain paths: health, version, and the lists of groups and resources that clients discover by.</summary>
internal static class Discovery
{
    private static readonly string[] Verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

    public static ApiResponse? Find(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries) switch
    {
        ["readyz" or "livez" or "healthz"] => ApiResponse.Text(200, "ok"),
        ["version"] => ApiResponse.Json(200, Version()),
        ["api"] => ApiResponse.Json(200, new JsonObject { ["kind"] = "APIVersions", ["versions"] = new JsonArray("v1") }),
        ["api", "v1"] => Resources("v1"),
        ["apis"] => ApiResponse.Json(
            200, new JsonObject { ["kind"] = "APIGroupList", ["apiVersion"] = "v1", ["groups"] = new JsonArray([.. Groups()]) }),
        ["apis", var name] =>
            Groups().FirstOrDefault(group => (string?)group["name"] == name) is { } group ? ApiResponse.Json(200, group) : null,
        ["apis", var group, var version] => Resources($"{group}/{version}"),
        _ => null,
    };

    // The version whose behaviour this server follows.
    private static JsonObject Version() => new()
    {
        ["major"] = "1",
        ["minor"] = "20",
        ["gitVersion"] = "v1.20.2",
        ["gitTreeState"] = "clean",
        ["platform"] = "linux/amd64",
    };

    private static IEnumerable<JsonObject> Groups() => ResourceTable.Served.Where(served => served.Version.Group.Length > 0)
        .GroupBy(served => served.Version.Group).Select(group =>
        {
            var versions = group.Select(served => served.Version.Version).Distinct().ToArray();
            return new JsonObject
            {
                ["kind"] = "APIGroup",
                ["apiVersion"] = "v1",
                ["name"] = group.Key,
                ["versions"] = new JsonArray([.. versions.Select(version => GroupVersion(group.Key, version))]),
                ["preferredVersion"] = GroupVersion(group.Key, versions[0]),
            };
        });

    private static JsonObject GroupVersion(string group, string version) =>
        new() { ["groupVersion"] = $"{group}/{version}", ["version"] = version };

    private static ApiResponse? Resources(string groupVersion)
    {
        var served = ResourceTable.Served.Where(candidate => candidate.Version.GroupVersion == groupVersion).ToList();
        return served.Count == 0 ? null : ApiResponse.Json(200, new JsonObject
        {
            ["kind"] = "APIResourceList",
            ["apiVersion"] = "v1",
            ["groupVersion"] = groupVersion,
            ["resources"] = new JsonArray([.. served.SelectMany(Entries)]),
        });
    }

    private static IEnumerable<JsonObject> Entries(ServedResource served)
    {
        yield return Entry(served, served.Resource.Plural, Verbs);
        if (served.Resource.StatusSubresource) yield return Entry(served, served.Resource.Plural + "/status", ["get", "patch", "update"]);
    }

    private static JsonObject Entry(ServedResource served, string name, string[] verbs) => new()
    {
        ["name"] = name,
        ["singularName"] = served.Resource.Custom && !name.Contains('/', StringComparison.Ordinal)
            ? served.Version.Kind.ToLowerInvariant() : "",
        ["namespaced"] = served.Resource.Namespaced,
        ["kind"] = served.Version.Kind,
        ["verbs"] = new JsonArray([.. verbs.Select(verb => JsonValue.Create(verb))]),
    };
}
