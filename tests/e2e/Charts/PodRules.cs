using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>
/// The level "restricted" of the Pod Security Standards (https://kubernetes.io/docs/concepts/security/pod-security-standards/), and
/// this project's own rules: numeric user, read-only root, exact image, resources, no token without need.
/// </summary>
internal static class PodRules
{
    private static readonly string[] HarmlessVolumes = ["configMap", "secret", "emptyDir", "persistentVolumeClaim", "projected",
        "downwardAPI", "ephemeral", "csi"];

    /// <summary>What a pod template violates, one sentence each.</summary>
    /// <param name="template">The template.</param>
    /// <param name="name">The case's file name. One that says host-path or nfs asks for that kind of volume.</param>
    public static IEnumerable<string> Violations(JsonObject template, string name)
    {
        var spec = template["spec"]!.AsObject();
        return PodFaults(spec)
            .Concat(VolumeFaults(spec, name))
            .Concat(template.Containers().Where(container => !PreparesFolders(container, name)).SelectMany(container =>
                ContainerFaults(container).Select(fault => $"{container["name"]}: {fault}")))
            .Select(fault => $"{name}: {fault}");
    }

    private static IEnumerable<string> PodFaults(JsonObject spec)
    {
        var context = spec["securityContext"];
        if (!Is(context?["runAsNonRoot"], true))
            yield return "runAsNonRoot is not true";
        if ((long?)context?["runAsUser"] is null or 0)
            yield return "runAsUser is no number above 0";
        if ((string?)context?["seccompProfile"]?["type"] != "RuntimeDefault")
            yield return "the seccomp profile is not RuntimeDefault";
        if (spec.Any(field => field.Key is "hostNetwork" or "hostPID" or "hostIPC"))
            yield return "it shares a namespace of its node";
        // Only an account of its own, made for its rights, has a token.
        if (!Is(spec["automountServiceAccountToken"], false) && (string?)spec["serviceAccountName"] is null or "default")
            yield return "it has a token of the default account";
    }

    private static IEnumerable<string> VolumeFaults(JsonObject spec, string name) =>
        from volume in spec["volumes"] as JsonArray ?? []
        from kind in volume!.AsObject().Select(field => field.Key)
        where kind != "name" && !HarmlessVolumes.Contains(kind)
        where !(kind == "hostPath" && name.Contains("host-path")) && !(kind == "nfs" && name.Contains("nfs"))
        select $"volume {volume["name"]} is a {kind}";

    private static IEnumerable<string> ContainerFaults(JsonObject container)
    {
        var context = container["securityContext"];
        if (!Is(context?["allowPrivilegeEscalation"], false))
            yield return "privileges may escalate";
        if (!Is(context?["readOnlyRootFilesystem"], true))
            yield return "the root file system can be written";
        if (context?["capabilities"]?.ToJsonString() != """{"drop":["ALL"]}""")
            yield return "not all capabilities are dropped";
        if (Is(context?["privileged"], true))
            yield return "it is privileged";
        if (!System.Text.RegularExpressions.Regex.IsMatch((string)container["image"]!, @"(@sha256:[0-9a-f]{64}|:(?!latest$)[\w][\w.-]*)$"))
            yield return $"{container["image"]} is no exact version";
        if (container["resources"]?["requests"] is null && container["resources"]?["limits"] is null)
            yield return "it has no resources";
    }

    // The one container that may be root is asked for by its own value, and gives a folder of the node away.
    private static bool PreparesFolders(JsonObject container, string name) =>
        name.Contains("host-path-prepare") && (string)container["name"]! == "prepare"
        && container["securityContext"]!.ToJsonString() == """{"runAsUser":0,"runAsNonRoot":false,"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"],"add":["CHOWN"]}}""";

    private static bool Is(JsonNode? node, bool value) => node is JsonValue given && given.TryGetValue<bool>(out var flag) && flag == value;
}
