using System.Text;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>What a resource's own strategy adds to the schema: values it fills in, and rules a schema can't say.</summary>
internal static class ResourceRules
{
    // core/v1 MaxSecretSize, for ConfigMaps too.
    private const int MaxDataBytes = 1024 * 1024;

    /// <summary>Fills in what the server fills in, in place.</summary>
    public static void Prepare(ApiResource resource, JsonObject value)
    {
        if (resource == ResourceTable.Secrets) PrepareSecret(value);
        if (resource != ResourceTable.Namespaces) return;
        value["spec"] ??= new JsonObject { ["finalizers"] = new JsonArray("kubernetes") };
        value["status"] ??= new JsonObject { ["phase"] = "Active" };
    }

    public static IEnumerable<StatusCause> Check(ServedResource resource, JsonObject value, JsonObject? former) =>
        resource.Resource.Plural switch
    {
        "secrets" => [.. Secret(value, former), .. Data(value, former)],
        "configmaps" => Data(value, former),
        "leases" => Lease(value),
        "events" when resource.Version.Group.Length > 0 && former is null => NewEvent(value),
        _ => [],
    };

    private static void PrepareSecret(JsonObject value)
    {
        if (string.IsNullOrEmpty((string?)value["type"])) value["type"] = "Opaque";
        if (value["stringData"] is not JsonObject texts) return;
        value.Remove("stringData");
        if (value["data"] is not JsonObject data) value["data"] = data = [];
        foreach (var (key, text) in texts) data[key] = Convert.ToBase64String(Encoding.UTF8.GetBytes((string?)text ?? ""));
    }

    private static IEnumerable<StatusCause> Secret(JsonObject value, JsonObject? former)
    {
        if (former is not null && (string?)value["type"] != (string?)former["type"])
            yield return FieldError.Immutable("type", (string?)value["type"]);
        if ((string?)value["type"] != "kubernetes.io/tls") yield break;
        foreach (var key in (string[])["tls.crt", "tls.key"])
            if ((value["data"] as JsonObject)?.ContainsKey(key) != true) yield return FieldError.Required($"data[{key}]");
    }

    private static IEnumerable<StatusCause> Data(JsonObject value, JsonObject? former)
    {
        if ((bool?)former?["immutable"] == true)
        {
            if ((bool?)value["immutable"] != true)
                yield return FieldError.Forbidden("immutable", "field is immutable when `immutable` is set");
            if (!JsonNode.DeepEquals(value["data"], former["data"]))
                yield return FieldError.Forbidden("data", "field is immutable when `immutable` is set");
        }

        var total = 0;
        foreach (var (key, text) in value["data"] as JsonObject ?? [])
        {
            if (key.Length is 0 or > 253 || !key.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.'))
                yield return FieldError.Invalid(
                    $"data[{key}]", key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
                        + "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')");
            total += (string?)value["kind"] == "Secret"
                ? Convert.FromBase64String((string)text!).Length : Encoding.UTF8.GetByteCount((string)text!);
        }

        if (total > MaxDataBytes) yield return FieldError.TooLong("data", MaxDataBytes);
    }

    private static IEnumerable<StatusCause> Lease(JsonObject value)
    {
        if ((long?)value["spec"]?["leaseDurationSeconds"] is { } seconds and <= 0)
            yield return FieldError.Invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0");
        if ((long?)value["spec"]?["leaseTransitions"] is { } transitions and < 0)
            yield return FieldError.Invalid("spec.leaseTransitions", transitions, "must to greater or equal than 0");
    }

    private static IEnumerable<StatusCause> NewEvent(JsonObject value)
    {
        if (!value.ContainsKey("eventTime")) yield return FieldError.Required("eventTime");
        foreach (var field in (string[])["reportingController", "reportingInstance", "action", "reason"])
            if (string.IsNullOrEmpty((string?)value[field])) yield return FieldError.Required(field);
        if ((string?)value["type"] is not ("Normal" or "Warning"))
            yield return FieldError.Invalid("type", "", $"has invalid value: {(string?)value["type"]}");
        if (((string?)value["note"] ?? "").Length > 1024)
            yield return FieldError.Invalid("message", "", "can have at most 1024 characters");
        var about = (string?)value["regarding"]?["namespace"] ?? "";
        var wanted = about.Length == 0 ? "default" : about;
        if ((string?)value["metadata"]?["namespace"] is { } own && own != wanted && !(about.Length == 0 && own == "kube-system"))
            yield return FieldError.Invalid("involvedObject.namespace", about, "does not match event.namespace");
    }
}
