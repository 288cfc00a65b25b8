using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Charts;

/// <summary>What a chart renders, as Kubernetes objects.</summary>
public static class RenderedObjects
{
    private static readonly string[] ContainerLists = ["initContainers", "containers"];

    /// <summary>Every object of a stream of YAML documents.</summary>
    public static IReadOnlyList<JsonObject> Read(string yaml) => [.. YamlJson.ReadAll(new StringReader(yaml))];

    /// <summary>The one object of a kind and name.</summary>
    public static JsonObject One(this IEnumerable<JsonObject> objects, string kind, string name) =>
        objects.Single(rendered => Is(rendered, kind, name));

    /// <summary>Whether there is an object of a kind and name.</summary>
    public static bool Has(this IEnumerable<JsonObject> objects, string kind, string name) =>
        objects.Any(rendered => Is(rendered, kind, name));

    public static string Kind(this JsonObject rendered) => (string)rendered["kind"]!;

    public static string Name(this JsonObject rendered) => (string)rendered["metadata"]!["name"]!;

    /// <summary>The pod templates of StatefulSets, Deployments, Jobs and CronJobs.</summary>
    public static IEnumerable<JsonObject> PodTemplates(this IEnumerable<JsonObject> objects) =>
        objects.Select(rendered => rendered["spec"]?["jobTemplate"]?["spec"]?["template"] ?? rendered["spec"]?["template"])
            .OfType<JsonObject>();

    /// <summary>Init containers and containers of a pod template, in this order.</summary>
    public static IReadOnlyList<JsonObject> Containers(this JsonObject template) =>
        [.. ContainerLists.SelectMany(list => template["spec"]![list] as JsonArray ?? []).Select(container => container!.AsObject())];

    private static bool Is(JsonObject rendered, string kind, string name) => rendered.Kind() == kind && rendered.Name() == name;
}
