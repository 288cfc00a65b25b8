using System.Text.Json;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Hooks.Topology;

/// <summary>What the nodes of each template of one request get. Values are looked at once, however many templates share them.</summary>
internal sealed class TopologyPlans
{
    private readonly TopologyRequest _request;
    private readonly ReadOnlyMemory<byte> _body;
    private readonly List<(JsonSpan Value, NodePlanResult Result)> _ofTemplates = [];
    private readonly ClusterNodes? _nodes;

    /// <param name="request">The request.</param>
    /// <param name="body">Its body.</param>
    /// <param name="options">The admin's decisions.</param>
    /// <param name="format">The version of what nodes get.</param>
    /// <param name="checksValues">True to refuse also what the admin's values for the chart rule out.</param>
    /// <exception cref="HookRequestException">A registry may be asked for, and the request does not say for which cluster.</exception>
    public TopologyPlans(
        TopologyRequest request, ReadOnlyMemory<byte> body, RegistryOptions options, NodeFormat format, bool checksValues = false)
    {
        _request = request;
        _body = body;
        if (!IsAsked(request))
            return;
        var cluster = request.Cluster ?? throw new HookRequestException("The request has no variable builtin that describes a cluster.");
        _nodes = request.Variable.IsAbsent
            ? new ClusterNodes(cluster.ToCluster([]), options, format, checksValues)
            : WithValue(request.Variable, value => new ClusterNodes(
                cluster.ToCluster([new ClusterVariable { Name = options.VariableName, Value = value }]), options, format, checksValues));
        ForAll = _nodes.Plan();
    }

    /// <summary>What nodes get that follow the Cluster's own variable.</summary>
    public NodePlanResult ForAll { get; } = new NodePlanResult.NotWanted();

    /// <summary>What the nodes of this template get.</summary>
    public NodePlanResult For(NodeTemplate template)
    {
        if (_nodes is null || template.Variable.Type == JsonTokenType.None)
            return ForAll;
        foreach (var (value, result) in _ofTemplates)
        {
            if (value.In(_body.Span).SequenceEqual(template.Variable.In(_body.Span)))
                return result;
        }

        var plan = WithValue(template.Variable, _nodes.PlanFor);
        _ofTemplates.Add((template.Variable, plan));
        return plan;
    }

    /// <summary>Everything that a user must change, in the Cluster's variable or in one for some nodes.</summary>
    public IEnumerable<Problem> Problems() => _request.Templates.Select(For).Prepend(ForAll)
        .OfType<NodePlanResult.Invalid>().SelectMany(invalid => invalid.Problems);

    /// <summary>
    /// The same, what would keep the lifecycle hooks from installing the registry, and templates that would get no files in silence.
    /// </summary>
    public IEnumerable<Problem> AllProblems() => Problems().Concat(_nodes?.Validate() ?? []).Concat(
        _request.UnknownTemplates.Where(template => For(template) is NodePlanResult.Wanted { Nodes.Files.Count: > 0 })
            .Select(TemplateChange.UnknownVersion));

    private static bool IsAsked(TopologyRequest request) =>
        !request.Variable.IsAbsent || request.Templates.Exists(template => !template.Variable.IsAbsent);

    private T WithValue<T>(JsonSpan span, Func<JsonElement, T> read)
    {
        using var document = JsonDocument.Parse(span.In(_body), new JsonDocumentOptions { MaxDepth = HookRequest.DeepestNesting });
        return read(document.RootElement);
    }
}
