using System.Text.Json;

namespace CapiRegistryHook.Hooks.Topology;

/// <summary>A kind of template that nodes are made from: how to recognise it, and where in it the node's files lie.</summary>
internal sealed class TemplateKind
{
    /// <summary>The versions of Cluster API's groups whose node files are known here; others are refused where nodes need files.</summary>
    private static readonly string[] Versions = ["v1beta1", "v1beta2"];

    private static readonly TemplateKind ControlPlane = new(
        "KubeadmControlPlaneTemplate", "controlplane.cluster.x-k8s.io", ["spec", "template", "spec", "kubeadmConfigSpec"]);

    private static readonly TemplateKind Workers = new(
        "KubeadmConfigTemplate", "bootstrap.cluster.x-k8s.io", ["spec", "template", "spec"]);

    private readonly string _group;
    private readonly string[] _apiVersions;

    private TemplateKind(string name, string group, string[] path)
    {
        Name = name;
        Path = path;
        _group = group;
        _apiVersions = [.. Versions.Select(version => $"{group}/{version}")];
    }

    /// <summary>The kind, as templates name it.</summary>
    public string Name { get; }

    /// <summary>The steps to the object that holds <c>files</c> and <c>preKubeadmCommands</c>.</summary>
    public IReadOnlyList<string> Path { get; }

    /// <summary>The kind that a string token names; null when it is none of ours.</summary>
    public static TemplateKind? Of(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals(Workers.Name) ? Workers : reader.ValueTextEquals(ControlPlane.Name) ? ControlPlane : null;

    /// <summary>The versions that are known here, for sentences.</summary>
    public static string KnownVersions { get; } = string.Join(" and ", Versions);

    /// <summary>True for another version of this kind: its nodes would be created without trust and mirror.</summary>
    public bool IsUnknownVersion(string? apiVersion) =>
        apiVersion?.StartsWith(_group + "/", StringComparison.Ordinal) == true && !IsApiVersion(apiVersion);

    /// <summary>True when the string token is a group and version of this kind.</summary>
    public bool IsApiVersion(string? apiVersion) => apiVersion is not null && _apiVersions.AsSpan().Contains(apiVersion);
}
