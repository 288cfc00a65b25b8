using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>Tells for each value of a chart whether a case of <c>ci</c> sets it to an effect.</summary>
internal sealed class ValueEffects
{
    private readonly ChartFolder _chart;
    private readonly HelmProgram _helm = new("helm3");
    private readonly List<(JsonObject Values, string Rendered)> _cases = [];

    private ValueEffects(ChartFolder chart) => _chart = chart;

    public IEnumerable<string> Paths => _chart.Values.Values.Select(value => value.Path);

    public static async Task<ValueEffects> ReadAsync(ChartFolder chart, CancellationToken cancellationToken)
    {
        var effects = new ValueEffects(chart);
        foreach (var file in chart.CaseFiles)
        {
            var values = RenderedObjects.Read(await File.ReadAllTextAsync(file, cancellationToken)) is [var only] ? only : [];
            effects._cases.Add((values, (await effects.RenderAsync(values, cancellationToken))!));
        }

        return effects;
    }

    /// <summary>Whether leaving the value out of a case that sets it changes what is rendered.</summary>
    public async Task<bool> AnyCaseNeedsAsync(string path, CancellationToken cancellationToken)
    {
        foreach (var (values, rendered) in _cases)
        {
            if (Without(values, path) is { } rest && await RenderAsync(rest, cancellationToken) != rendered)
                return true;
        }

        return false;
    }

    /// <summary>The values less one; null when it is not among them.</summary>
    private static JsonObject? Without(JsonObject values, string path)
    {
        var keys = path.Split('.');
        var rest = values.DeepClone().AsObject();
        var parent = keys[..^1].Aggregate<string, JsonObject?>(rest, (node, key) => node?[key] as JsonObject);
        return parent?.Remove(keys[^1]) == true ? rest : null;
    }

    /// <summary>Null when the chart refuses the values.</summary>
    private async Task<string?> RenderAsync(JsonObject values, CancellationToken cancellationToken)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, values.ToJsonString(), cancellationToken);
            var run = await _helm.TryRenderAsync(_chart.Path, cancellationToken, "--values", file);
            return run.ExitCode == 0 ? run.Output : null;
        }
        finally
        {
            File.Delete(file);
        }
    }
}
