using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Hooks.Handlers;

/// <summary>
/// What a ClusterClass needs that defines the variable itself: the variable with the registry's settings inline, and the patch without
/// DiscoverVariables.
/// </summary>
public static class ClusterClassExcerpt
{
    private const string Group = "cluster.x-k8s.io";
    private const string OldVersion = "v1beta1";

    /// <summary>The excerpt as YAML.</summary>
    /// <param name="options">They name the variable and the path of the settings in it.</param>
    /// <param name="apiVersion">Version of the ClusterClass: v1beta1 or v1beta2.</param>
    /// <param name="extensionConfig">The ExtensionConfig by which the patch names its handlers.</param>
    public static string Write(RegistryOptions options, string apiVersion, string extensionConfig)
    {
        var isOld = apiVersion == OldVersion;
        var generate = $"{new GeneratePatchesHandler(options, NodeFormat.V3).Registration.Name}.{extensionConfig}";
        var validate = $"{new ValidateTopologyHandler(options).Registration.Name}.{extensionConfig}";
        return YamlText.Write(new JsonObject
        {
            ["apiVersion"] = $"{Group}/{apiVersion}",
            ["kind"] = "ClusterClass",
            ["spec"] = new JsonObject
            {
                ["variables"] = new JsonArray(VariableSchema.Write(options.Variable)),
                ["patches"] = new JsonArray(new JsonObject
                {
                    ["name"] = "registry",
                    ["external"] = new JsonObject
                    {
                        [isOld ? "generateExtension" : "generatePatchesExtension"] = generate,
                        [isOld ? "validateExtension" : "validateTopologyExtension"] = validate,
                    },
                }),
            },
        });
    }

    /// <summary>The schema of the settings alone, as YAML.</summary>
    public static string WriteSettings() => YamlText.Write(VariableSchema.WriteSettings());
}
