using System.Text.Json.Nodes;

namespace CapiRegistryHook.Registry.Settings;

/// <summary>The topology variable as Cluster API asks for it, in the fields that its v1beta1 and v1beta2 both know.</summary>
public static class VariableSchema
{
    private const string PreserveUnknownFields = "x-kubernetes-preserve-unknown-fields";

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
                ["properties"] = new JsonObject { [step] = schema },
            };
        }

        return new JsonObject
        {
            ["name"] = location.Name,
            ["required"] = false,
            ["schema"] = new JsonObject { ["openAPIV3Schema"] = schema },
        };
    }
}
