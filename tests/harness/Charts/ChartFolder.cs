using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Charts;

/// <summary>
/// A Helm chart of this repository as files. A chart that is put into <c>charts/</c> takes part in all checks of
/// <c>tests/unit/Charts</c> (documentation, schema, templates) and <c>tests/e2e/Charts/ChartRenderingTests</c> (Helm 3 and 4) by being
/// there: it needs Chart.yaml, values.yaml with a <c># --</c> comment per value, values.schema.json, a README.md with the two marks of
/// <see cref="ChartReadme"/>, and a file <c>ci/*-values.yaml</c> for every option. UPDATE_GOLDEN=1 writes the table, and the
/// schema's descriptions and required values.
/// </summary>
public sealed class ChartFolder
{
    private ChartFolder(string path)
    {
        Path = path;
        Values = ValuesFile.Read(System.IO.File.ReadAllText(File("values.yaml")));
    }

    public string Path { get; }

    /// <summary>The folder's name, which is also the chart's.</summary>
    public string Name => System.IO.Path.GetFileName(Path);

    public ValuesFile Values { get; }

    /// <summary>Chart.yaml.</summary>
    public JsonObject Metadata => RenderedObjects.Read(System.IO.File.ReadAllText(File("Chart.yaml"))).Single();

    /// <summary>Values that the chart is tested with, in order of their names.</summary>
    public IReadOnlyList<string> CaseFiles => [.. Directory.GetFiles(File("ci"), "*-values.yaml").Order(StringComparer.Ordinal)];

    /// <summary>The text of every template, partial and note, in order of their names.</summary>
    public IReadOnlyList<string> Templates =>
        [.. Directory.GetFiles(File("templates"), "*", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal).Select(System.IO.File.ReadAllText)];

    /// <summary>The chart called <paramref name="name"/>.</summary>
    public static ChartFolder Open(string name) => new(System.IO.Path.Combine(Charts, name));

    /// <summary>The names of all charts; never empty.</summary>
    /// <exception cref="DirectoryNotFoundException">There is none.</exception>
    public static IReadOnlyList<string> Names()
    {
        string[] names = [
            .. Directory.GetDirectories(Charts).Select(folder => System.IO.Path.GetFileName(folder)).Order(StringComparer.Ordinal)];
        return names.Length > 0 ? names : throw new DirectoryNotFoundException($"{Charts} holds no chart.");
    }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    private static string Charts => System.IO.Path.Combine(RepositoryRoot.Find(), "charts");
}
