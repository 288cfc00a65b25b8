using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace CapiRegistryHook.Registry.Chart;

/// <summary>One run of a schema over a value; collects what is broken.</summary>
internal sealed class SchemaCheck(JsonObject root)
{
    /// <summary>Patterns come with the chart, values from people: a bound for the case that the two do not go together.</summary>
    private static readonly TimeSpan PatternBound = TimeSpan.FromSeconds(1);

    public static readonly HashSet<string> OfNamedSchemas = ["properties", "patternProperties"];
    public static readonly HashSet<string> OfSchemaLists = ["allOf", "anyOf", "oneOf"];
    public static readonly HashSet<string> OfOneSchema = ["additionalProperties", "items", "not", "if", "then", "else", "propertyNames"];
    public static readonly HashSet<string> OfPlainArguments =
    [
        "$ref", "type", "enum", "const", "required", "minLength", "maxLength", "pattern", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
    ];

    private readonly List<SchemaViolation> _violations = [];

    public IReadOnlyList<SchemaViolation> Violations => _violations;

    public void Run(JsonNode? schema, JsonNode? value, string path)
    {
        if (schema is not JsonObject keywords)
        {
            if (schema?.GetValueKind() == JsonValueKind.False)
                Add(path, "is not a value of the chart");
            return;
        }

        // Draft 7: whatever stands beside $ref does not count.
        if (keywords["$ref"] is { } reference)
        {
            Run(Resolve((string)reference!), value, path);
            return;
        }

        CheckAny(keywords, value, path);
        CheckBranches(keywords, value, path);
        switch (value?.GetValueKind())
        {
            case JsonValueKind.Object:
                CheckObject(keywords, value.AsObject(), path);
                break;
            case JsonValueKind.Array:
                CheckList(keywords, value.AsArray(), path);
                break;
            case JsonValueKind.String:
                CheckText(keywords, value.GetValue<string>(), path);
                break;
            case JsonValueKind.Number:
                CheckNumber(keywords, Number(value), path);
                break;
        }
    }

    private JsonNode? Resolve(string reference)
    {
        JsonNode? target = root;
        foreach (var step in reference.TrimStart('#').Split('/', StringSplitOptions.RemoveEmptyEntries))
            target = target?[step];
        return target ?? throw new NotSupportedException($"The schema has no {reference}.");
    }

    private void CheckAny(JsonObject keywords, JsonNode? value, string path)
    {
        if (keywords["type"] is { } type && !Names(type).Any(name => IsOfType(value, name)))
            Add(path, $"must be of type {string.Join(" or ", Names(type))}");
        if (keywords["enum"] is JsonArray choices && !choices.Any(choice => JsonNode.DeepEquals(choice, value)))
            Add(path, $"must be one of {string.Join(", ", choices.Select(choice => choice?.ToString() ?? "null"))}");
        if (keywords.TryGetPropertyValue("const", out var constant) && !JsonNode.DeepEquals(constant, value))
            Add(path, $"must be {constant?.ToJsonString() ?? "null"}");
    }

    private void CheckBranches(JsonObject keywords, JsonNode? value, string path)
    {
        foreach (var schema in keywords["allOf"] as JsonArray ?? [])
            Run(schema, value, path);
        if (keywords["anyOf"] is JsonArray any && !any.Any(schema => Fits(schema, value)))
            Add(path, Alternatives(any, "must fit one of the forms that the chart knows"));
        if (keywords["oneOf"] is JsonArray one && one.Count(schema => Fits(schema, value)) != 1)
            Add(path, Alternatives(one, "must fit exactly one of the forms that the chart knows"));
        if (keywords["not"] is { } not && Fits(not, value))
            Add(path, Described(keywords) ?? "has a form that the chart refuses");
        if (keywords["if"] is { } condition)
            Run(keywords[Fits(condition, value) ? "then" : "else"], value, path);
    }

    private void CheckObject(JsonObject keywords, JsonObject value, string path)
    {
        foreach (var name in (keywords["required"] as JsonArray ?? []).Select(item => (string)item!)
            .Where(name => !value.ContainsKey(name)))
            Add(Below(path, name), "must be given");
        CheckCount(keywords, value.Count, "Properties", "entries", path);
        foreach (var (name, member) in value)
        {
            if (keywords["propertyNames"] is { } names && !Fits(names, name))
                Add(Below(path, name), "is a name that the chart does not accept");
            CheckMember(keywords, name, member, path);
        }
    }

    private void CheckMember(JsonObject keywords, string name, JsonNode? member, string path)
    {
        var isKnown = false;
        if ((keywords["properties"] as JsonObject)?.TryGetPropertyValue(name, out var schema) == true)
        {
            isKnown = true;
            Run(schema, member, Below(path, name));
        }

        foreach (var (_, byPattern) in (keywords["patternProperties"] as JsonObject ?? []).Where(entry => Matches(name, entry.Key)))
        {
            isKnown = true;
            Run(byPattern, member, Below(path, name));
        }

        if (!isKnown)
            Run(keywords["additionalProperties"], member, Below(path, name));
    }

    private void CheckList(JsonObject keywords, JsonArray value, string path)
    {
        CheckCount(keywords, value.Count, "Items", "items", path);
        if (keywords["uniqueItems"]?.GetValueKind() == JsonValueKind.True && value.Distinct(DeepEquality.Instance).Count() < value.Count)
            Add(path, "must not hold an item twice");
        for (var index = 0; index < value.Count; index++)
            Run(keywords["items"], value[index], $"{path}[{index}]");
    }

    private void CheckText(JsonObject keywords, string value, string path)
    {
        CheckCount(keywords, value.EnumerateRunes().Count(), "Length", "characters", path);
        if (keywords["pattern"] is { } pattern && !Matches(value, (string)pattern!))
            Add(path, $"must match {(string)pattern!}");
    }

    private void CheckNumber(JsonObject keywords, double value, string path)
    {
        if (keywords["minimum"] is { } least && value < Number(least))
            Add(path, $"must be at least {least.ToJsonString()}");
        if (keywords["maximum"] is { } most && value > Number(most))
            Add(path, $"must be at most {most.ToJsonString()}");
        if (keywords["exclusiveMinimum"] is { } below && value <= Number(below))
            Add(path, $"must be more than {below.ToJsonString()}");
        if (keywords["exclusiveMaximum"] is { } above && value >= Number(above))
            Add(path, $"must be less than {above.ToJsonString()}");
    }

    private void CheckCount(JsonObject keywords, int count, string what, string unit, string path)
    {
        if (keywords["min" + what] is { } least && count < Number(least))
            Add(path, $"must have at least {least.ToJsonString()} {unit}");
        if (keywords["max" + what] is { } most && count > Number(most))
            Add(path, $"must have at most {most.ToJsonString()} {unit}");
    }

    private bool Fits(JsonNode? schema, JsonNode? value)
    {
        var trial = new SchemaCheck(root);
        trial.Run(schema, value, "");
        return trial._violations.Count == 0;
    }

    private void Add(string path, string rule) => _violations.Add(new SchemaViolation(path, rule));

    /// <summary>"must be of type integer or string" reads better than "fits none of two forms".</summary>
    private static string Alternatives(JsonArray schemas, string otherwise) =>
        schemas.All(schema => schema is JsonObject { Count: 1 } form && form["type"] is not null)
            ? $"must be of type {string.Join(" or ", schemas.Select(schema => schema!["type"]))}"
            : otherwise;

    /// <summary>For a rule that is only a prohibition, the schema's own words say it best.</summary>
    private static string? Described(JsonObject keywords) => (string?)keywords["description"];

    private static string Below(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    private static IEnumerable<string> Names(JsonNode type) =>
        type is JsonArray list ? list.Select(item => (string)item!) : [(string)type!];

    private static bool IsOfType(JsonNode? value, string type) => (value?.GetValueKind() ?? JsonValueKind.Null) switch
    {
        JsonValueKind.Object => type == "object",
        JsonValueKind.Array => type == "array",
        JsonValueKind.String => type == "string",
        JsonValueKind.Number => type == "number" || (type == "integer" && double.IsInteger(Number(value!))),
        JsonValueKind.Null => type == "null",
        _ => type == "boolean",
    };

    private static double Number(JsonNode value) => double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture);

    private static bool Matches(string text, string pattern) =>
        Regex.IsMatch(text, pattern, RegexOptions.CultureInvariant, PatternBound);

    private sealed class DeepEquality : IEqualityComparer<JsonNode?>
    {
        public static DeepEquality Instance { get; } = new();

        public bool Equals(JsonNode? x, JsonNode? y) => JsonNode.DeepEquals(x, y);

        public int GetHashCode(JsonNode? node) => 0;
    }
}
