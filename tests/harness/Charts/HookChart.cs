using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Harness.Charts;

/// <summary>The service's own chart, rendered as its documentation installs it.</summary>
public static class HookChart
{
    public const string Release = "capi-registry-hook";

    /// <summary>The chart's folder.</summary>
    public static ChartFolder Folder => ChartFolder.Open("capi-registry-hook");

    /// <summary>What Helm 3 renders of it.</summary>
    public static Task<IReadOnlyList<JsonObject>> RenderAsync(CancellationToken cancellationToken, params string[] arguments) =>
        new HelmProgram("helm3", Release, HookService.Namespace).ObjectsAsync(Folder.Path, cancellationToken, arguments);

    /// <summary>The rights that a Role or ClusterRole gives, one triple of verb, group and resource each.</summary>
    public static IEnumerable<(string Verb, string Group, string Resource)> Rights(this JsonObject role) =>
        from rule in role["rules"]!.AsArray()
        from verb in rule!["verbs"]!.AsArray()
        from apiGroup in rule["apiGroups"]!.AsArray()
        from resource in rule["resources"]!.AsArray()
        select ((string)verb!, (string)apiGroup!, (string)resource!);
}
