using System.Text.Json;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Registry.Chart;

/// <summary>
/// The part of JSON Schema (draft 7) that the chart's <c>values.schema.json</c> uses, so that values which Helm would refuse
/// on the workload cluster are refused before a HelmChartProxy is written. A schema with any other keyword can't be read:
/// a rule that is not understood must not count as kept. The tests hold the verdicts against Helm's own.
/// </summary>
internal sealed class ValueSchema
{
    /// <summary>Keywords that say something to people only, or hold what <c>$ref</c> points to.</summary>
    private static readonly HashSet<string> WithoutRule =
        ["$schema", "$id", "$comment", "title", "description", "default", "examples", "format", "definitions"];

    private readonly JsonObject _root;

    private ValueSchema(JsonObject root) => _root = root;

    /// <summary>Reads a schema.</summary>
    /// <exception cref="NotSupportedException">It has a keyword that is not understood here.</exception>
    public static ValueSchema Read(string json)
    {
        var root = JsonNode.Parse(json) as JsonObject ?? throw new NotSupportedException("The schema is not an object.");
        RequireKnown(root, "#");
        return new ValueSchema(root);
    }

    /// <summary>What the value does not keep to, sorted by path; empty when all is well.</summary>
    public IReadOnlyList<SchemaViolation> Validate(JsonNode? value)
    {
        var check = new SchemaCheck(_root);
        check.Run(_root, value, "");
        return [.. check.Violations.Distinct()
            .OrderBy(violation => violation.Path, StringComparer.Ordinal).ThenBy(violation => violation.Rule, StringComparer.Ordinal)];
    }

    private static void RequireKnown(JsonNode? schema, string place)
    {
        switch (schema)
        {
            case JsonObject keywords:
                foreach (var (keyword, argument) in keywords)
                    RequireKnown(keyword, argument, $"{place}/{keyword}");
                break;
            case JsonValue value when value.GetValueKind() is JsonValueKind.True or JsonValueKind.False:
                break;
            default:
                throw new NotSupportedException($"{place} of the schema is not a schema.");
        }
    }

    private static void RequireKnown(string keyword, JsonNode? argument, string place)
    {
        if (SchemaCheck.OfNamedSchemas.Contains(keyword) || keyword == "definitions")
        {
            foreach (var (name, schema) in argument!.AsObject())
                RequireKnown(schema, $"{place}/{name}");
        }
        else if (SchemaCheck.OfSchemaLists.Contains(keyword))
        {
            foreach (var schema in argument!.AsArray())
                RequireKnown(schema, place);
        }
        else if (SchemaCheck.OfOneSchema.Contains(keyword))
        {
            RequireKnown(argument, place);
        }
        else if (!WithoutRule.Contains(keyword) && !SchemaCheck.OfPlainArguments.Contains(keyword))
        {
            throw new NotSupportedException($"{place} of the schema is a keyword that is not understood.");
        }
    }
}

/// <summary>A rule that a value breaks.</summary>
/// <param name="Path">Where, for example <c>storage.size</c>; empty for the whole.</param>
/// <param name="Rule">What it must be, for example <c>must be one of pvc, s3</c>.</param>
internal sealed record SchemaViolation(string Path, string Rule);
