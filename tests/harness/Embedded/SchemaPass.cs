using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>
/// One walk over an incoming object along its schema: unknown fields are dropped, defaults set, types checked. Built-in types fail to
/// decode
/// (400), custom resources fail validation (422), as their servers do.
/// </summary>
internal sealed partial class SchemaPass
{
    private readonly ServedResource _resource;
    private readonly List<StatusCause> _causes = [];

    private SchemaPass(ServedResource resource) => _resource = resource;

    /// <summary>Changes <paramref name="value"/> in place and returns what a custom resource's validation has to complain about.</summary>
    public static List<StatusCause> Run(ServedResource resource, JsonObject value)
    {
        var pass = new SchemaPass(resource);
        pass.Walk(value, resource.Version.Schema, "");
        return pass._causes;
    }

    /// <summary>
    /// Drops null and omitted fields in place, and nothing else: for an applied object, which owns only what it says.
    /// An unknown field refuses the whole object, where a create or an update would drop it.
    /// </summary>
    public static void Prune(ServedResource resource, JsonObject value) =>
        new SchemaPass(resource).Prune(value, resource.Version.Schema, "");

    private void Prune(JsonNode? value, FieldSchema schema, string path)
    {
        if (value is JsonObject map && schema.Kind is (FieldKind.Struct or FieldKind.Map))
        {
            foreach (var (name, field) in map.ToList())
            {
                var known = schema.Kind == FieldKind.Map || schema.Declares(name);
                if (!known && !schema.PreserveUnknown)
                    throw ApiError.Internal($"failed to create typed patch object: {path}.{name}: field not declared in schema");
                if (known && (field is null || IsOmitted(field, schema.Child(name), path))) map.Remove(name);
                else Prune(field, schema.Child(name), $"{path}.{name}");
            }
        }
        else if (value is JsonArray list && schema.Kind == FieldKind.List)
        {
            foreach (var item in list) Prune(item, schema.Element!, path);
        }
    }

    private void Walk(JsonNode value, FieldSchema schema, string path)
    {
        if (Problem(value, schema) is { } expected)
        {
            Mismatch(value, expected, path);
            return;
        }

        if (schema.Allowed.Length > 0 && !schema.Allowed.Contains((string)value!))
            _causes.Add(FieldError.NotSupported(path, (string)value!, schema.Allowed));
        if (schema.Kind is FieldKind.Struct or FieldKind.Map) WalkFields(value.AsObject(), schema, path);
        else if (schema.Kind == FieldKind.List) WalkItems(value.AsArray(), schema, path);
    }

    private void WalkFields(JsonObject value, FieldSchema schema, string path)
    {
        foreach (var (name, field) in value.ToList())
        {
            var known = schema.Kind == FieldKind.Map || schema.Declares(name);
            if ((!known && !schema.PreserveUnknown) || (known && field is null) || (known && IsOmitted(field, schema.Child(name), path)))
                value.Remove(name);
            else if (field is not null)
                Walk(field, schema.Child(name), path.Length == 0 ? name : $"{path}.{name}");
        }

        foreach (var (name, field) in schema.Fields)
            if (field.Default is not null && !value.ContainsKey(name)) value[name] = field.Default.DeepClone();
        foreach (var name in schema.Required.Where(name => !value.ContainsKey(name)))
            _causes.Add(FieldError.Required(path.Length == 0 ? name : $"{path}.{name}"));
    }

    private void WalkItems(JsonArray value, FieldSchema schema, string path)
    {
        for (var index = 0; index < value.Count; index++)
            if (value[index] is { } item) Walk(item, schema.Element!, $"{path}[{index}]");
    }

    // Go's omitempty: an empty map or list of a built-in type, or of any object's metadata, is not there.
    private bool IsOmitted(JsonNode? field, FieldSchema schema, string path) =>
        (!_resource.Resource.Custom || path.TrimStart('.') == "metadata")
        && ((schema.Kind == FieldKind.Map && field is JsonObject { Count: 0 })
        || (schema.Kind == FieldKind.List && field is JsonArray { Count: 0 }));

    private void Mismatch(JsonNode value, string expected, string path)
    {
        var actual = TypeOf(value);
        if (_resource.Resource.Custom && !path.StartsWith("metadata", StringComparison.Ordinal))
        {
            _causes.Add(FieldError.Invalid(path, actual, $"{path} in body must be of type {expected}: \"{actual}\""));
            return;
        }

        var version = _resource.Version;
        throw ApiError.BadRequest(
            $"{version.Kind} in version \"{version.Version}\" cannot be handled as a {version.Kind}: {path}: {expected} expected, "
                + $"not {actual}");
    }

    private static string? Problem(JsonNode value, FieldSchema schema) => schema.Kind switch
    {
        FieldKind.Text when value.GetValueKind() != JsonValueKind.String => "string",
        FieldKind.Bytes when !IsText(value, text => Convert.TryFromBase64String(text, new byte[text.Length], out _)) => "base64",
        FieldKind.Integer when !IsInteger(value) => "integer",
        FieldKind.Number when value.GetValueKind() != JsonValueKind.Number => "number",
        FieldKind.Flag when value.GetValueKind() is not (JsonValueKind.True or JsonValueKind.False) => "boolean",
        FieldKind.Time when !IsText(value, text => Timestamp().IsMatch(text)) => "RFC 3339 time",
        FieldKind.MicroTime when !IsText(value, text => MicroTimestamp().IsMatch(text)) => "RFC 3339 time with six digits of a second",
        FieldKind.Struct or FieldKind.Map when value is not JsonObject => "object",
        FieldKind.List when value is not JsonArray => "array",
        _ => null,
    };

    // By its text: a number made here and a number read off the wire are different types of JsonValue.
    private static bool IsInteger(JsonNode value) => value.GetValueKind() == JsonValueKind.Number
        && long.TryParse(value.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);

    private static bool IsText(JsonNode value, Func<string, bool> test) =>
        value.GetValueKind() == JsonValueKind.String && test((string)value!);

    private static string TypeOf(JsonNode value) => value.GetValueKind() switch
    {
        JsonValueKind.Number => IsInteger(value) ? "integer" : "number",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        var kind => kind.ToString().ToLowerInvariant(),
    };

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")]
    private static partial Regex Timestamp();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$")]
    private static partial Regex MicroTimestamp();
}
