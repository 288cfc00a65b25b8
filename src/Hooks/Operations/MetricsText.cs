using System.Globalization;
using System.Text;

namespace CapiRegistryHook.Hooks.Operations;

/// <summary>
/// Writes the text format of Prometheus, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
/// </summary>
public sealed class MetricsText
{
    /// <summary>The type of a page with it.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new();

    /// <summary>Begins a family of samples.</summary>
    public void Family(Metric metric) =>
        _text.Append("# HELP ").Append(metric.FullName).Append(' ').Append(metric.Meaning).Append('\n')
            .Append("# TYPE ").Append(metric.FullName).Append(' ').Append(metric.Type.ToString().ToLowerInvariant()).Append('\n');

    /// <summary>One line, with the values of the metric's labels in their order.</summary>
    /// <exception cref="ArgumentException">The metric has more or fewer labels.</exception>
    public void Sample(Metric metric, double value, params ReadOnlySpan<string> labels)
    {
        if (labels.Length != metric.Labels.Count)
            throw new ArgumentException($"{metric.FullName} has {metric.Labels.Count} labels, not {labels.Length}.", nameof(labels));
        var named = new (string, string)[labels.Length];
        for (var label = 0; label < labels.Length; label++)
            named[label] = (metric.Labels[label], labels[label]);
        Sample(metric.FullName, value, named);
    }

    /// <summary>One line.</summary>
    public void Sample(string name, double value, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        _text.Append(name);
        var separator = '{';
        foreach (var label in labels)
        {
            _text.Append(separator).Append(label.Name).Append("=\"").Append(Escape(label.Value)).Append('"');
            separator = ',';
        }

        if (labels.Length > 0)
            _text.Append('}');
        _text.Append(' ').Append(Number(value)).Append('\n');
    }

    /// <summary>A number in the format's spelling.</summary>
    public static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>What has been written.</summary>
    public override string ToString() => _text.ToString();

    private static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
