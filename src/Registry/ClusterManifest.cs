using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Text;
using YamlDotNet.Core;

namespace CapiRegistryHook.Registry;

/// <summary>Reads Clusters out of a YAML file as users write it: several documents, other kinds among them.</summary>
public static class ClusterManifest
{
    /// <summary>What the API server fills in and a file leaves out.</summary>
    private const string UnknownUid = "00000000-0000-0000-0000-000000000000";

    /// <summary>The Clusters in the text, in order; at least one.</summary>
    /// <exception cref="ClusterFormatException">The text is not YAML, a Cluster has a field of the wrong type, or there is no
    /// Cluster.</exception>
    public static IReadOnlyList<Cluster> Read(string text)
    {
        var clusters = Documents(text).OfType<JsonObject>().Where(IsCluster).Select(ToCluster).ToList();
        return clusters.Count > 0
            ? clusters
            : throw new ClusterFormatException(
                "The file does not contain an object of kind Cluster with apiVersion cluster.x-k8s.io/v1beta1 or v1beta2.");
    }

    private static List<JsonNode?> Documents(string text)
    {
        try
        {
            return [.. BoundedYaml.Load(text).Select(YamlToJson.Convert)];
        }
        catch (YamlException exception)
        {
            throw new ClusterFormatException(
                $"The file is not valid YAML: line {exception.Start.Line}, column {exception.Start.Column}.", exception);
        }
        catch (InvalidDataException exception)
        {
            throw new ClusterFormatException(YamlToJson.TooLarge, exception);
        }
    }

    private static bool IsCluster(JsonObject document) =>
        Text(document["kind"]) == "Cluster"
            && Text(document["apiVersion"])?.StartsWith("cluster.x-k8s.io/", StringComparison.Ordinal) == true;

    private static Cluster ToCluster(JsonObject document)
    {
        if (document["metadata"] is JsonObject metadata)
        {
            metadata["namespace"] ??= "default";
            metadata["uid"] ??= UnknownUid;
        }

        using var json = JsonDocument.Parse(document.ToJsonString());
        return Cluster.Read(json.RootElement.Clone());
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
