using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Text;
using YamlDotNet.Core;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>
/// The admin's values for the registry chart, for all clusters: laid over the chart's own, and under what a cluster's
/// variable and this product say. May be replaced while the process runs; a plan made before keeps what it was made of.
/// </summary>
public sealed class RegistryDefaults
{
    private readonly bool _isForShippedChart;
    private volatile Snapshot _current = new("", [], HasPlaceholders: false);

    /// <summary>Values for the chart that ships with this product.</summary>
    public RegistryDefaults() => _isForShippedChart = true;

    /// <summary>Values for the named chart; those of any other than the shipped one are checked by Helm alone.</summary>
    public RegistryDefaults(string chartName, string chartVersion) => _isForShippedChart = ShippedChart.Is(chartName, chartVersion);

    /// <summary>The values with their placeholders; not to be changed.</summary>
    internal JsonObject Values => _current.Values;

    /// <summary>The values of one cluster; not to be changed.</summary>
    internal JsonObject ValuesFor(NamespacedName cluster)
    {
        var current = _current;
        return current.HasPlaceholders ? ValuePlaceholders.Fill(current.Values, cluster) : current.Values;
    }

    /// <summary>Takes other values; false when they are the ones it has.</summary>
    /// <param name="yaml">One YAML document, an object in the shape of the chart's <c>values.yaml</c>; empty means none.</param>
    /// <exception cref="RegistryDefaultsException">They can't be used; the former values stay.</exception>
    public bool Replace(string yaml)
    {
        if (yaml == _current.Yaml)
            return false;
        var values = Parse(yaml);
        var problems = FindProblems(values).ToList();
        if (problems.Count > 0)
            throw new RegistryDefaultsException(string.Join(" ", problems));
        _current = new Snapshot(yaml, values, values.ToJsonString().Contains("${", StringComparison.Ordinal));
        return true;
    }

    /// <summary>The chart is asked only about values that are otherwise right, since one mistake would be told twice.</summary>
    private List<string> FindProblems(JsonObject values)
    {
        List<string> problems =
        [
            .. ChartValues.Computed.Where(path => HelmValues.Has(values, path))
                .Select(path => $"The value {path} is computed for each cluster; remove it."),
            .. ChartValues.Fixed.Where(path => HelmValues.Has(values, path))
                .Select(path => $"The value {path} is part of selectors, which no upgrade can change; remove it."),
            .. ValuePlaceholders.FindProblems(values),
        ];
        if (HelmValues.Has(values, ChartValues.ReplicasField) && ChartValues.AsReplicas(values[ChartValues.ReplicasField]) is null)
            problems.Add($"The value {ChartValues.ReplicasField} must be a whole number from 1 to {ChartValues.MostReplicas}.");
        if (problems.Count == 0 && _isForShippedChart)
        {
            var sample = ValuePlaceholders.Fill(values, ValuePlaceholders.Sample);
            problems.AddRange(ShippedChart.Validate(ChartValues.Probe(sample)).Select(Describe));
        }

        if (problems.Count == 0 && _isForShippedChart)
            problems.AddRange(SharedStorage.FindProblems(values));
        return problems;
    }

    private static JsonObject Parse(string yaml)
    {
        try
        {
            var documents = BoundedYaml.Load(yaml);
            return documents.Select(YamlToJson.Convert).ToList() switch
            {
                [] or [null] => [],
                [JsonObject values] => values,
                _ => throw new RegistryDefaultsException("They must be one YAML document that is an object, like the chart's values.yaml."),
            };
        }
        catch (YamlException exception)
        {
            throw new RegistryDefaultsException(
                $"They are not valid YAML: line {exception.Start.Line}, column {exception.Start.Column}.", exception);
        }
        catch (InvalidDataException exception)
        {
            throw new RegistryDefaultsException(
                "They are nested too deeply, their aliases make them too large, or a key is not a string.", exception);
        }
    }

    internal static string Describe(SchemaViolation violation) =>
        FieldText.Sentence($"The value {(violation.Path.Length == 0 ? "of the chart" : violation.Path)} {violation.Rule}.");

    private sealed record Snapshot(string Yaml, JsonObject Values, bool HasPlaceholders);
}

/// <summary>Values for the registry chart that can't be used; the message says which and why.</summary>
public sealed class RegistryDefaultsException : Exception
{
    /// <summary>Values that can't be used.</summary>
    public RegistryDefaultsException()
    {
    }

    /// <param name="message">Sentences that name each value and the remedy.</param>
    public RegistryDefaultsException(string message)
        : base(message)
    {
    }

    /// <param name="message">Sentences that name each value and the remedy.</param>
    /// <param name="innerException">What the reader said.</param>
    public RegistryDefaultsException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
