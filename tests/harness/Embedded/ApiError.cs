using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>One entry of a Status' details.causes.</summary>
internal sealed record StatusCause(string Reason, string Message, string Field);

/// <summary>A refusal that the client sees as a Status object. Wording and reasons are kube-apiserver 1.20's.</summary>
#pragma warning disable CA1032 // Thrown with a Status, never with a bare message.
internal sealed class ApiError(int code, string reason, string message, JsonObject? details = null) : Exception(message)
#pragma warning restore CA1032
{
    public int Code { get; } = code;

    /// <summary>metadata.continue of the Status: lets a client whose list expired go on without consistency.</summary>
    public string? Continue { get; init; }

    public JsonObject ToStatus()
    {
        var metadata = new JsonObject();
        if (Continue is not null) metadata["continue"] = Continue;
        var status = new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = metadata,
            ["status"] = "Failure",
            ["message"] = Message,
        };
        if (reason.Length > 0) status["reason"] = reason;
        if (details is not null) status["details"] = details.DeepClone();
        status["code"] = Code;
        return status;
    }

    public static ApiError Unauthorized() => new(401, "Unauthorized", "Unauthorized");

    public static ApiError NotFound(ServedResource resource, string name) =>
        new(404, "NotFound", $"{resource.QualifiedPlural} \"{name}\" not found", Details(resource, name));

    public static ApiError AlreadyExists(ServedResource resource, string name) =>
        new(409, "AlreadyExists", $"{resource.QualifiedPlural} \"{name}\" already exists", Details(resource, name));

    public static ApiError Modified(ServedResource resource, string name) => Conflict(
        resource, name, "the object has been modified; please apply your changes to the latest version and try again");

    public static ApiError Precondition(ServedResource resource, string name, string what, string? wanted, string actual) => Conflict(
        resource, name, $"Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {actual}");

    public static ApiError DeletePrecondition(ServedResource resource, string name, string what, string wanted, string actual)
    {
        var hint = what == "UID" ? "deleted and then recreated" : "modified";
        return Conflict(resource, name,
            $"the {what} in the precondition ({wanted}) does not match the {what} in record ({actual}). The object might have been {hint}");
    }

    public static ApiError Conflict(ServedResource resource, string name, string why) => new(409, "Conflict",
        $"Operation cannot be fulfilled on {resource.QualifiedPlural} \"{name}\": {why}", Details(resource, name));

    public static ApiError ApplyConflict(IReadOnlyList<StatusCause> causes, string message) =>
        new(409, "Conflict", message, new JsonObject { ["causes"] = Causes(causes) });

    public static ApiError Forbidden(ServedResource resource, string name, string why, StatusCause? cause = null)
    {
        var details = Details(resource, name);
        if (cause is not null) details["causes"] = Causes([cause]);
        return new ApiError(403, "Forbidden", $"{resource.QualifiedPlural} \"{name}\" is forbidden: {why}", details);
    }

    public static ApiError BadRequest(string message) => new(400, "BadRequest", message);

    public static ApiError Invalid(ServedResource resource, string name, IReadOnlyList<StatusCause> causes)
    {
        var list = causes.Select(cause => $"{cause.Field}: {cause.Message}").ToArray();
        var text = list.Length == 1 ? list[0] : $"[{string.Join(", ", list)}]";
        var details = Details(resource, name);
        details["kind"] = resource.Version.Kind;
        details["causes"] = Causes(causes);
        return new ApiError(422, "Invalid", $"{resource.QualifiedKind} \"{name}\" is invalid: {text}", details);
    }

    /// <summary>A PUT without the resourceVersion that this resource needs; unlike other 422s it names the plural.</summary>
    public static ApiError MissingResourceVersion(ServedResource resource, string name)
    {
        var cause = new StatusCause("FieldValueInvalid", "Invalid value: 0x0: must be specified for an update", "metadata.resourceVersion");
        var details = Details(resource, name);
        details["causes"] = Causes([cause]);
        return new ApiError(422, "Invalid", $"{resource.QualifiedPlural} \"{name}\" is invalid: {cause.Field}: {cause.Message}", details);
    }

    /// <summary>What a JSON patch gets that can't be applied, a failed test included.</summary>
    public static ApiError PatchRejected() =>
        new(422, "Invalid", "the server rejected our request due to an error in our request", []);

    public static ApiError MethodNotAllowed() =>
        new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", []);

    public static ApiError UnsupportedMediaType(IEnumerable<string> accepted) => new(415, "UnsupportedMediaType",
        $"the body of the request was in an unknown format - accepted media types include: {string.Join(", ", accepted)}");

    public static ApiError TooLarge(long limit) => new(413, "RequestEntityTooLarge",
        $"Request entity too large: limit is {limit}");

    public static ApiError Expired(string message) => new(410, "Expired", message);

    public static ApiError MissingFieldManager() => new(422, "Invalid",
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        new JsonObject
        {
            ["group"] = "meta.k8s.io",
            ["kind"] = "PatchOptions",
            ["causes"] = Causes([FieldError.Required("fieldManager", "is required for apply patch")]),
        });

    public static ApiError InvalidDeleteOptions(string policy) => new(422, "Invalid",
        $"DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"{policy}\"",
        new JsonObject { ["group"] = "meta.k8s.io", ["kind"] = "DeleteOptions" });

    /// <summary>An error that the server passes on as it is: a 500 without a reason.</summary>
    public static ApiError Internal(string message) => new(500, "", message);

    /// <summary>The path names nothing that is served; unlike a missing object, no name is in the details.</summary>
    public static ApiError NoSuchResource() => new(404, "NotFound", "the server could not find the requested resource", []);

    private static JsonObject Details(ServedResource resource, string name)
    {
        var details = new JsonObject();
        if (name.Length > 0) details["name"] = name;
        if (resource.Version.Group.Length > 0) details["group"] = resource.Version.Group;
        details["kind"] = resource.Resource.Plural;
        return details;
    }

    private static JsonArray Causes(IEnumerable<StatusCause> causes) => new([.. causes.Select(cause => new JsonObject
    {
        ["reason"] = cause.Reason,
        ["message"] = cause.Message,
        ["field"] = cause.Field,
    })]);
}
