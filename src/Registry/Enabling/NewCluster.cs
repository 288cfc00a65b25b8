using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Enabling;

/// <summary>
/// What auto-enable finds in a Cluster that is about to be created: the ClusterClass that decides and the patch, or why the Cluster is
/// left alone. A pure function of the Cluster and the admin's options.
/// </summary>
internal abstract record NewCluster
{
    /// <summary>Clusters with this annotation, whatever its value, are left alone.</summary>
    public const string SkipAnnotation = "capi-registry-hook.io/skip-auto-enable";

    private NewCluster()
    {
    }

    /// <summary>It gets a registry if its ClusterClass has the variable.</summary>
    /// <param name="Class">The ClusterClass.</param>
    /// <param name="Patch">The operations of a JSON patch (RFC 6902), only additions.</param>
    public sealed record Eligible(NamespacedName Class, JsonArray Patch) : NewCluster;

    /// <summary>It is left alone.</summary>
    /// <param name="Reason">Why, as a sentence.</param>
    public sealed record LeftAlone(string Reason) : NewCluster;

    /// <summary>Looks at a Cluster.</summary>
    public static NewCluster Evaluate(Cluster cluster, RegistryOptions options)
    {
        if (cluster.Spec?.Topology is not { } topology)
            return new LeftAlone("The Cluster has no topology.");
        if (cluster.Metadata.Annotations?.ContainsKey(SkipAnnotation) == true)
            return new LeftAlone($"The Cluster has the annotation {SkipAnnotation}.");
        if (IsSet(cluster.Spec.ControlPlaneRef) || IsSet(cluster.Spec.InfrastructureRef))
            return new LeftAlone("The Cluster is not new: it was moved or restored.");
        if (ClassOf(topology, cluster.Name.Namespace) is not { } name)
            return new LeftAlone("The topology names no ClusterClass.");
        return FindPatch(topology.Variables, options) is { } operation
            ? new Eligible(name, new JsonArray(operation))
            : new LeftAlone($"The Cluster sets {options.Variable.Field} itself, or a field above it to another value than an object.");
    }

    /// <summary>The Cluster with the settings of auto-enable, as far as its registry goes.</summary>
    public static Cluster Enable(Cluster cluster, RegistryOptions options)
    {
        var value = JsonSerializer.SerializeToElement(
            Wrap(options.Variable.Steps, JsonNode.Parse(options.AutoEnableSettings)!), RegistryJson.Default.JsonNode);
        var topology = cluster.Spec!.Topology!;
        return cluster with
        {
            Spec = cluster.Spec with
            {
                Topology = topology with
                {
                    Variables = [.. (topology.Variables ?? []).Where(variable => variable?.Name != options.VariableName),
                        new ClusterVariable { Name = options.VariableName, Value = value }],
                },
            },
        };
    }

    private static bool IsSet(ObjectName? reference) => !string.IsNullOrEmpty(reference?.Name);

    private static NamespacedName? ClassOf(ClusterTopology topology, string @namespace)
    {
        var (name, space) = topology.ClassRef is { } reference
            ? (reference.Name, reference.Namespace) : (topology.Class, topology.ClassNamespace);
        space = string.IsNullOrEmpty(space) ? @namespace : space;
        return KubernetesNames.IsSubdomain(name) && KubernetesNames.IsLabel(space) ? new NamespacedName(space, name!) : null;
    }

    /// <summary>
    /// Null when the settings, or a field on the way to them, have any value already, null included: whoever writes null means it.
    /// </summary>
    private static JsonObject? FindPatch(IReadOnlyList<ClusterVariable>? variables, RegistryOptions options)
    {
        var settings = JsonNode.Parse(options.AutoEnableSettings)!;
        var location = options.Variable;
        if (variables is null)
            return Add("/spec/topology/variables", new JsonArray(Variable(location, settings)));
        var places = variables.Index().Where(entry => entry.Item?.Name == location.Name).ToList();
        return places.Count switch
        {
            0 => Add("/spec/topology/variables/-", Variable(location, settings)),
            1 => Add($"/spec/topology/variables/{places[0].Index}/value", places[0].Item.Value, location.Steps, settings),
            _ => null,
        };
    }

    private static JsonObject? Add(string pointer, JsonElement value, IReadOnlyList<string> steps, JsonNode settings)
    {
        for (var index = 0; index < steps.Count; index++)
        {
            if (value.ValueKind != JsonValueKind.Object)
                return null;
            pointer += "/" + steps[index].Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
            if (!value.TryGetProperty(steps[index], out value))
                return Add(pointer, Wrap(steps.Skip(index + 1), settings));
        }

        return null;
    }

    private static JsonObject Variable(VariableLocation location, JsonNode settings) =>
        new() { ["name"] = location.Name, ["value"] = Wrap(location.Steps, settings) };

    private static JsonNode Wrap(IEnumerable<string> steps, JsonNode settings) =>
        steps.Reverse().Aggregate(settings, (inner, step) => new JsonObject { [step] = inner });

    private static JsonObject Add(string pointer, JsonNode value) => new() { ["op"] = "add", ["path"] = pointer, ["value"] = value };
}
