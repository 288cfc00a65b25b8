using System.Text.Json;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Preflight;

/// <summary>Whether a ClusterClass hands its Clusters to the service: it must define the variable and name the handlers.</summary>
internal static class ClassWiring
{
    private const string Check = "cluster-class";

    private const string Remedy = "add the patch of docs/clusterclass.md; the command schema prints it.";

    /// <summary>The findings, at least one.</summary>
    /// <param name="found">The ClusterClass, in v1beta1 or v1beta2.</param>
    /// <param name="name">Where it is.</param>
    /// <param name="extension">The ExtensionConfig whose handlers it has to name.</param>
    /// <param name="variable">The variable with the registry's settings.</param>
    public static IReadOnlyList<PreflightFinding> Judge(
        UnstructuredObject found, NamespacedName name, string extension, string variable)
    {
        var patches = found.List("spec.patches").Select(patch => patch.Find("external")).ToList();
        List<PreflightFinding> findings = [];
        if (!Names(patches, extension, "generatePatchesExtension", "generateExtension"))
            findings.Add(PreflightFinding.Fail(
                Check, $"The ClusterClass {name} has no patch by generatepatches of {extension}, so nodes would not know the registry.",
                Remedy));
        if (!Names(patches, extension, "discoverVariablesExtension")
            && !found.List("spec.variables").Any(defined => defined.Text("name") == variable))
            findings.Add(PreflightFinding.Fail(
                Check, $"The ClusterClass {name} neither defines the variable {variable} nor names discovervariables of {extension}.",
                Remedy));
        if (!Names(patches, extension, "validateTopologyExtension", "validateExtension"))
            findings.Add(PreflightFinding.Warn(
                Check, $"The ClusterClass {name} does not name validatetopology of {extension}: mistakes are told of by Events only.",
                Remedy));
        return findings.Count > 0 ? findings
            : [PreflightFinding.Pass(Check, $"The ClusterClass {name} names the handlers of {extension}.")];
    }

    /// <summary>Handlers are named HANDLER.EXTENSIONCONFIG.</summary>
    private static bool Names(List<JsonElement> patches, string extension, params string[] fields) =>
        patches.Exists(patch => fields.Any(field => patch.Text(field)?.EndsWith($".{extension}", StringComparison.Ordinal) == true));
}
