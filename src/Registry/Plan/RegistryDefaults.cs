using System.Text.Json;
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
    /// <summary>
    /// Annotations of one object hold 256 KiB together, and each HelmChartProxy carries the values that it was written with.
    /// </summary>
    private const int MostJson = 100_000;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    private volatile Snapshot _current = new("", "{}", [], HasPlaceholders: false);

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

    /// <summary>The same as compact JSON with sorted keys.</summary>
    internal string Json => _current.Json;

    /// <summary>Takes other values; false when they are the ones it has.</summary>
    /// <param name="yaml">One YAML document, an object in the shape of the chart's <c>values.yaml</c>; empty means none.</param>
    /// <exception cref="RegistryDefaultsException">They can't be used; the former values stay.</exception>
    public bool Replace(string yaml)
    {
        if (yaml == _current.Yaml)
            return false;
        var values = Sort(Parse(yaml));
        var json = values.ToJsonString();
        var problems = FindProblems(values, _isForShippedChart);
        if (json.Length > MostJson)
            problems.Add($"They take {json.Length} characters as JSON; at most {MostJson} are possible.");
        if (problems.Count > 0)
            throw new RegistryDefaultsException(string.Join(" ", problems));
        _current = NewSnapshot(yaml, json, values);
        return true;
    }

    /// <summary>The values that a registry was installed with.</summary>
    /// <param name="json">What <see cref="Json"/> was then, as others may have changed it since.</param>
    /// <param name="chartName">The chart that they were for.</param>
    /// <param name="chartVersion">Its version.</param>
    /// <returns>Null when this version can't use them.</returns>
    internal static RegistryDefaults? TryRestore(string json, string chartName, string chartVersion)
    {
        try
        {
            return json.Length <= MostJson && JsonNode.Parse(json, documentOptions: Strict) is JsonObject values
                && FindProblems(values, ShippedChart.Is(chartName, chartVersion)).Count == 0
                ? new RegistryDefaults(chartName, chartVersion) { _current = NewSnapshot("", json, values) }
                : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Text that is not Unicode shows only when it is taken out.
            return null;
        }
    }

    /// <summary>The chart is asked only about values that are otherwise right, since one mistake would be told twice.</summary>
    private static List<string> FindProblems(JsonObject values, bool isForShippedChart)
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
        if (problems.Count == 0 && isForShippedChart)
        {
            var sample = ValuePlaceholders.Fill(values, ValuePlaceholders.Sample);
            problems.AddRange(ShippedChart.Validate(ChartValues.Probe(sample)).Select(Describe));
        }

        if (problems.Count == 0 && isForShippedChart)
            problems.AddRange(SharedStorage.FindProblems(values));
        return problems;
    }

    /// <summary>The order of keys in a file means nothing, and must not look like a change.</summary>
    private static JsonObject Sort(JsonObject values) => new(values.OrderBy(entry => entry.Key, StringComparer.Ordinal)
        .Select(entry => KeyValuePair.Create(entry.Key, Sort(entry.Value))));

    private static JsonNode? Sort(JsonNode? value) => value switch
    {
        JsonObject map => Sort(map),
        JsonArray list => new JsonArray([.. list.Select(Sort)]),
        _ => value?.DeepClone(),
    };

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

    private static Snapshot NewSnapshot(string yaml, string json, JsonObject values) =>
        new(yaml, json, values, json.Contains("${", StringComparison.Ordinal));

    private sealed record Snapshot(string Yaml, string Json, JsonObject Values, bool HasPlaceholders);
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
