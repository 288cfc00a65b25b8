using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>The first look at an object that a client sent: is it of the type, namespace and name that the URL says?</summary>
internal static class ObjectIntake
{
    public static JsonObject Accept(WriteRequest request, JsonNode? body)
    {
        if (body is not JsonObject value) throw ApiError.BadRequest("the object provided is unrecognized (must be of type object)");
        CheckType(request.Target, value);
        if (value["metadata"] is not JsonObject metadata) value["metadata"] = metadata = [];
        foreach (var field in (string[])["name", "namespace", "uid", "resourceVersion"])
            if (metadata[field] is { } text && text.GetValueKind() != System.Text.Json.JsonValueKind.String)
                throw ApiError.BadRequest(
                    $"{request.Target.Version.Kind} in version \"{request.Target.Version.Version}\" cannot be handled as a "
                        + $"{request.Target.Version.Kind}: metadata.{field}: string expected");
        CheckPlace(request, metadata);
        return value;
    }

    /// <summary>An applied object must say what it is, even where others may leave it to the URL.</summary>
    public static void CheckAppliedType(ServedResource target, JsonNode? body)
    {
        var apiVersion = (string?)body?["apiVersion"] ?? "";
        if (apiVersion != target.Version.GroupVersion)
            throw ApiError.BadRequest(
                "Incorrect version specified in apply patch. Specified patch version: "
                    + $"{apiVersion}, expected: {target.Version.GroupVersion}");
    }

    private static void CheckType(ServedResource target, JsonObject value)
    {
        var version = target.Version;
        var apiVersion = (string?)value["apiVersion"];
        var kind = (string?)value["kind"];
        if (target.Resource.Custom && string.IsNullOrEmpty(kind))
            throw ApiError.BadRequest("Object 'Kind' is missing");
        if (!string.IsNullOrEmpty(apiVersion) && apiVersion != version.GroupVersion)
            throw ApiError.BadRequest(
                $"the API version in the data ({apiVersion}) does not match the expected API version ({version.GroupVersion})");
        if (target.Resource.Custom && kind != version.Kind)
            throw ApiError.Invalid(target with { Version = version with { Kind = kind! } }, (string?)value["metadata"]?["name"] ?? "",
                [FieldError.Invalid("kind", kind, $"must be {version.Kind}")]);
        if (!string.IsNullOrEmpty(kind) && kind != version.Kind)
            throw ApiError.BadRequest($"{kind} in version \"{version.Version}\" cannot be handled as a {version.Kind}");
        value["apiVersion"] = version.GroupVersion;
        value["kind"] = version.Kind;
    }

    private static void CheckPlace(WriteRequest request, JsonObject metadata)
    {
        var place = (string?)metadata["namespace"] ?? "";
        if (place.Length > 0 && place != request.Namespace)
            throw ApiError.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        if (request.Namespace.Length > 0) metadata["namespace"] = request.Namespace;
        var name = (string?)metadata["name"] ?? "";
        if (request.Name.Length > 0 && name.Length > 0 && name != request.Name)
            throw ApiError.BadRequest($"the name of the object ({name}) does not match the name on the URL ({request.Name})");
        if (request.Name.Length > 0 && name.Length == 0)
            throw ApiError.BadRequest($"the name of the object ({request.Name} based on URL) was undeterminable: name must be provided");
    }
}
