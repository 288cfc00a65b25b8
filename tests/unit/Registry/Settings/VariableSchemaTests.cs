using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Unit.Tests.Registry.Settings;

/// <summary>Holds the schema against the rules that Cluster API has for the schemas of variables.</summary>
public sealed class VariableSchemaTests
{
    /// <summary>The fields of JSONSchemaProps that cluster.x-k8s.io v1beta1 (since 1.5) and v1beta2 both know.</summary>
    private static readonly HashSet<string> KnownFields =
    [
        "type", "description", "properties", "required", "enum", "default", "minimum", "maximum", "minLength", "maxLength", "pattern",
        "items", "maxItems", "minItems", "x-kubernetes-preserve-unknown-fields",
    ];

    [Fact]
    public void Write_EveryLevel_IsStructural() => AssertStructural(Schema(new RegistryOptions()), "schema");

    [Fact]
    public void Write_LevelsOfOthers_LetUnknownFieldsThrough_AndOursDoNot()
    {
        var schema = Schema(new RegistryOptions { VariableName = "platform", VariablePath = "a.b.mirror" });

        foreach (var step in new[] { "a", "b", "mirror" })
        {
            Assert.True((bool)schema["x-kubernetes-preserve-unknown-fields"]!);
            schema = schema["properties"]![step]!;
        }

        Assert.Null(schema["x-kubernetes-preserve-unknown-fields"]);
        Assert.Contains("replicas", schema["properties"]!.AsObject().Select(property => property.Key));
    }

    [Fact]
    public void Write_Definition_IsOptionalAndNamedByTheOption()
    {
        var definition = VariableSchema.Write(new RegistryOptions { VariableName = "platform" }.Variable);

        Assert.Equal(["name", "required", "schema"], definition.Select(property => property.Key));
        Assert.Equal("platform", (string?)definition["name"]);
        Assert.False((bool)definition["required"]!);
    }

    [Fact]
    public void Write_AdminsDefaults_AreNotInTheSchema()
    {
        var registry = Schema(new RegistryOptions())["properties"]!["addons"]!["properties"]!["registry"]!;

        Assert.Equal(["provider"], WithDefault(registry["properties"]!.AsObject()));
        Assert.Empty(WithDefault(registry["properties"]!["storage"]!["properties"]!.AsObject()));
        Assert.Equal(["mode", "strict", "dialTimeout", "containerdConfig"],
            WithDefault(registry["properties"]!["mirror"]!["properties"]!.AsObject()));
    }

    private static IEnumerable<string> WithDefault(JsonObject properties) =>
        properties.Where(property => property.Value!.AsObject().ContainsKey("default")).Select(property => property.Key);

    private static JsonNode Schema(RegistryOptions options) => VariableSchema.Write(options.Variable)["schema"]!["openAPIV3Schema"]!;

    private static void AssertStructural(JsonNode schema, string path)
    {
        Assert.All(schema.AsObject(), property => Assert.Contains(property.Key, KnownFields));
        var type = (string?)schema["type"];
        Assert.True(type is "object" or "array" or "string" or "integer" or "boolean", $"{path} has the type {type}");
        Assert.Equal(type == "array", schema["items"] is not null);
        if (schema["default"] is { } value && schema["enum"] is JsonArray words)
            Assert.Contains(value.ToJsonString(), words.Select(word => word!.ToJsonString()));
        if (schema["items"] is { } items)
            AssertStructural(items, path + ".items");
        foreach (var (name, property) in schema["properties"]?.AsObject() ?? [])
            AssertStructural(property!, $"{path}.{name}");
    }
}
