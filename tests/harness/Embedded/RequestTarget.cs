using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>What a request is about: its verb and the object, collection or plain path that its URL names.</summary>
internal sealed record RequestTarget(string Verb, ServedResource? Resource, string Namespace, string Name, string Subresource)
{
    public const string ApplyPatch = "application/apply-patch+yaml";

    // kube-apiserver cuts a manager taken from the User-Agent at this length.
    private const int MaxManagerLength = 128;

    public string? FieldManager { get; private init; }

    /// <summary>The caller asks for metadata instead of whole objects.</summary>
    public bool MetadataOnly { get; private init; }

    public string Plural => Resource?.Resource.Plural ?? "";

    public bool IsCollection => Name.Length == 0;

    public static RequestTarget Parse(HttpRequest request)
    {
        var path = request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var (group, version, rest) = path switch
        {
            ["api", var core, .. var tail] => ("", core, tail),
            ["apis", var named, var number, .. var tail] => (named, number, tail),
            _ => ("", "", []),
        };
        var (home, plural, name, subresource) = Split(rest);
        var resource = plural.Length == 0 ? null : ResourceTable.Find(group, version, plural);
        return new RequestTarget(VerbOf(request, name), resource, home, name, subresource) 
        {
            FieldManager = ManagerOf(request),
            MetadataOnly = request.Headers.Accept.ToString().Contains(";as=PartialObjectMetadata", StringComparison.Ordinal),
        };
    }

    // "namespaces/x/secrets/y" names a Secret, "namespaces/x" and "namespaces/x/status" the namespace itself.
    private static (string Namespace, string Plural, string Name, string Subresource) Split(string[] rest) => rest switch
    {
        ["nodes", var name, "proxy", .. var path] => ("", "nodes", name, $"proxy/{string.Join('/', path)}"),
        ["namespaces", var name, "status"] => ("", "namespaces", name, "status"),
        ["namespaces", var home, var plural] => (home, plural, "", ""),
        ["namespaces", var home, var plural, var name] => (home, plural, name, ""),
        ["namespaces", var home, var plural, var name, var subresource] => (home, plural, name, subresource),
        [var plural] => ("", plural, "", ""),
        [var plural, var name] => ("", plural, name, ""),
        [var plural, var name, var subresource] => ("", plural, name, subresource),
        _ => ("", "", "", ""),
    };

    private static string VerbOf(HttpRequest request, string name) => request.Method switch
    {
        "GET" or "HEAD" when name.Length > 0 => "get",
        "GET" or "HEAD" => IsTrue(request.Query["watch"]) ? "watch" : "list",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => MediaType(request) == ApplyPatch ? "apply" : "patch",
        "DELETE" => name.Length > 0 ? "delete" : "deletecollection",
        var other => other.ToLowerInvariant(),
    };

    public static string MediaType(HttpRequest request) => (request.ContentType ?? "").Split(';')[0].Trim();

    public static bool IsTrue(string? value) => value is "1" or "true" or "True" or "TRUE" or "t" or "T";

    private static string? ManagerOf(HttpRequest request)
    {
        if (request.Query["fieldManager"].FirstOrDefault() is { Length: > 0 } manager) return manager;
        var agent = request.Headers.UserAgent.ToString().Split('/')[0];
        return agent.Length == 0 ? null : agent[..Math.Min(agent.Length, MaxManagerLength)];
    }
}
