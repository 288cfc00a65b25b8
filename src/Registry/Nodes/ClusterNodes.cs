using System.Text.Json;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Nodes;

/// <summary>
/// Decides what the nodes of one Cluster get. A pure function of the Cluster, its variable and the admin's options; nothing is
/// read from anywhere.
/// </summary>
public sealed class ClusterNodes
{
    private readonly RegistryOptions _options;
    private readonly NodeFormat _format;
    private readonly bool _checksValues;
    private readonly List<Problem> _problems = [];
    private readonly RegistryBasis? _basis;

    /// <param name="cluster">The Cluster with its topology variables.</param>
    /// <param name="options">The admin's decisions, validated.</param>
    /// <param name="format">The version of what nodes get.</param>
    /// <param name="checksValues">
    /// True to refuse for some nodes, as <see cref="Validate"/> does for the Cluster, what the admin's values for the chart rule out. These
    /// may change at any time, so what nodes get must not depend on them.
    /// </param>
    public ClusterNodes(Cluster cluster, RegistryOptions options, NodeFormat format, bool checksValues = false)
    {
        _checksValues = checksValues;
        _options = options;
        _format = format;
        _basis = RegistryBasis.Find(cluster, options, _problems);
        if (_basis is { Settings.ExtraNames.Count: > 0 })
            RegistryNames.CertificateNames(_basis, replicas: 1, options, _problems);
        RefuseBeyondVersion(_basis?.Settings.FieldsBeyondVersion1 ?? [], _problems);
    }

    /// <summary>For nodes that follow the Cluster's own variable.</summary>
    public NodePlanResult Plan() => _basis is null ? Answer(_problems, null) : Answer(_problems, _basis.Settings.Mirror);

    /// <summary>
    /// For nodes with a value of their own for the variable. There is one registry in a cluster: only <c>mirror</c> is taken from
    /// the value, the registry's addresses come from the Cluster.
    /// </summary>
    /// <param name="value">The value that replaces the Cluster's.</param>
    public NodePlanResult PlanFor(JsonElement value)
    {
        var problems = new List<Problem>(_problems);
        var settings = RegistrySettings.Find(value, _options.Variable, problems);
        if (settings is not null && _basis is null && _problems.Count == 0)
            problems.Add(NotInTheCluster());
        if (settings is not null)
        {
            RefuseBeyondVersion(settings.Mirror.FieldsBeyondVersion1, problems);
            CheckValues(settings.Mirror, problems);
        }

        return Answer(problems, settings?.Mirror);
    }

    /// <summary>
    /// What a user must change before the registry itself can be installed: the rules of the lifecycle hooks, so that ValidateTopology
    /// accepts nothing that they refuse later.
    /// </summary>
    public IReadOnlyList<Problem> Validate() =>
        _basis is not null && _problems.Count == 0 && RegistryPlan.Create(_basis, _options, []) is PlanResult.Invalid invalid
            ? invalid.Problems : _problems;

    private NodePlanResult Answer(List<Problem> problems, MirrorSettings? mirror)
    {
        if (problems.Count > 0)
            return new NodePlanResult.Invalid(problems);
        return _basis is null || mirror is null
            ? new NodePlanResult.NotWanted() : new NodePlanResult.Wanted(NodePlan.Create(_format, _basis, mirror));
    }

    /// <summary>Left out in silence, they would be missed when the first image is.</summary>
    private void RefuseBeyondVersion(IEnumerable<string> fields, List<Problem> problems)
    {
        if (_format != NodeFormat.V1)
            return;
        foreach (var field in fields.Select(field => $"{_options.Variable.Field}.{field}"))
            problems.Add(new Problem(
                field, $"The variable {field} is set, which generatepatches-v1 does not put on nodes; "
                    + "name generatepatches-v2 in the ClusterClass or leave it out."));
    }

    private void CheckValues(MirrorSettings mirror, List<Problem> problems)
    {
        if (!_checksValues || _basis is null || problems.Count > 0)
            return;
        var basis = _basis with { Settings = _basis.Settings with { Mirror = mirror } };
        MirrorRules.Check(basis.Settings, ChartValues.Choose(_options.Defaults, basis), _options.Variable.Field, problems);
    }

    private Problem NotInTheCluster()
    {
        var field = _options.Variable.Field;
        return new Problem(
            field, $"The variable {field} is set for some nodes of a Cluster that asks for no registry itself; "
                + "set it in spec.topology.variables too.");
    }
}

/// <summary>The three answers to "what do these nodes get?".</summary>
public abstract record NodePlanResult
{
    private NodePlanResult()
    {
    }

    /// <summary>The variable does not ask for a registry.</summary>
    public sealed record NotWanted : NodePlanResult;

    /// <summary>The user must change something first.</summary>
    /// <param name="Problems">All of it.</param>
    public sealed record Invalid(IReadOnlyList<Problem> Problems) : NodePlanResult;

    /// <summary>The registry is asked for.</summary>
    /// <param name="Nodes">What the nodes get; empty when the mirror is off.</param>
    public sealed record Wanted(NodePlan Nodes) : NodePlanResult;
}
