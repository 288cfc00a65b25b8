using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Hooks.Topology;

/// <summary>What a GeneratePatches or ValidateTopology request says, as far as it concerns nodes.</summary>
internal sealed class TopologyRequest
{
    /// <summary>The part of <c>builtin.cluster</c> that decides about the registry.</summary>
    public BuiltinCluster? Cluster { get; set; }

    /// <summary>The value of our variable for all templates.</summary>
    public JsonSpan Variable { get; set; }

    /// <summary>The templates that nodes are made from, in the order of the request.</summary>
    public List<NodeTemplate> Templates { get; } = [];

    /// <summary>Those of a version that is not known here; they get no patch.</summary>
    public List<NodeTemplate> UnknownTemplates { get; } = [];
}

/// <summary>One template that nodes are made from.</summary>
internal sealed record NodeTemplate(TemplateKind Kind, string Name)
{
    /// <summary>What a patch names the template by; empty in a ValidateTopology request.</summary>
    public string Uid { get; init; } = "";

    /// <summary>The version, when the template is of one that is not known here; null otherwise.</summary>
    public string? UnknownVersion { get; init; }

    /// <summary>The value of our variable for this template alone; absent means the one for all.</summary>
    public JsonSpan Variable { get; init; }

    public NodeLists Lists { get; init; }
}

/// <summary>Where the node's files and commands lie in a template.</summary>
internal readonly record struct NodeLists
{
    /// <summary>How many steps of the kind's path lead to objects.</summary>
    public int PresentSteps { get; init; }

    /// <summary>The step of the path, or the list, that is of another type than it must be; null when there is none.</summary>
    public string? Broken { get; init; }

    public JsonSpan Files { get; init; }

    public JsonSpan Commands { get; init; }
}

/// <summary>Cluster API's own facts about the cluster.</summary>
internal sealed record BuiltinCluster(string Name, string Namespace, string Uid, string? ServiceDomain, IReadOnlyList<string>? Services)
{
    /// <summary>Namespace and name for logs: printable and short, whatever a request says.</summary>
    public string DisplayName => ToCluster([]).DisplayName;

    /// <summary>The Cluster that these facts are taken from.</summary>
    public Cluster ToCluster(IReadOnlyList<ClusterVariable> variables) => Cluster.Describe(Name, Namespace, Uid, new ClusterSpec
    {
        ClusterNetwork = new ClusterNetwork { ServiceDomain = ServiceDomain, Services = new NetworkRanges { CidrBlocks = Services } },
        Topology = new ClusterTopology { Variables = variables },
    });
}
