using System.Text.Json;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Registry.Settings;

/// <summary>The topology variable as Cluster API asks for it, in the fields that its v1beta1 and v1beta2 both know.</summary>
public static class VariableSchema
{
    private const string PreserveUnknownFields = "x-kubernetes-preserve-unknown-fields";
    private const string Properties = "properties";

    private static readonly JsonElement NoFields = JsonElement.Parse("{}");
    private static readonly JsonElement NoItems = JsonElement.Parse("[]");

    /// <summary>The schema of the settings, which stands at the path of the location.</summary>
    public static JsonObject WriteSettings() => SettingsShape.Registry.ToSchema();

    /// <summary>
    /// The variable's definition. On the way to the settings every other field is let through, because the variable belongs to
    /// others too; inside of the settings none is.
    /// </summary>
    public static JsonObject Write(VariableLocation location)
    {
        var schema = WriteSettings();
        foreach (var step in location.Steps.Reverse())
        {
            schema = new JsonObject
            {
                ["type"] = "object",
                [PreserveUnknownFields] = true,
                [Properties] = new JsonObject { [step] = schema },
            };
        }

        return new JsonObject
        {
            ["name"] = location.Name,
            ["required"] = false,
            ["schema"] = new JsonObject { ["openAPIV3Schema"] = schema },
        };
    }

    /// <summary>
    /// Whether a variable's schema has settings of this product at the path, of this or another version, and accepts an empty object
    /// there. Another add-on has settings of the same name with a provider alone, so that field does not count.
    /// </summary>
    internal static bool IsOurs(JsonElement schema, VariableLocation location)
    {
        foreach (var step in location.Steps)
        {
            if (!Field(schema, Properties, JsonValueKind.Object).TryGetProperty(step, out schema))
                return false;
        }

        var names = Field(schema, Properties, JsonValueKind.Object).EnumerateObject().Select(property => property.Name).ToList();
        return Field(schema, "required", JsonValueKind.Array).GetArrayLength() == 0
            && names.TrueForAll(name => SettingsShape.Registry.Fields.Any(field => field.Name == name))
            && names.Exists(name => name != SettingsShape.SharedField);
    }

    /// <summary>A field of the expected kind; an empty value of that kind where there is none.</summary>
    private static JsonElement Field(JsonElement parent, string name, JsonValueKind kind) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind == kind
            ? value : kind == JsonValueKind.Array ? NoItems : NoFields;
}
