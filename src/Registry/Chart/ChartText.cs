using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Chart;

/// <summary>Reads single files of a chart.</summary>
internal static class ChartText
{
    /// <summary>The one document of a YAML file, an object.</summary>
    /// <exception cref="InvalidOperationException">The chart is broken: it lacks the file, or the file is not an object.</exception>
    public static JsonObject ReadYaml(IEnumerable<ChartFile> files, string path) =>
        YamlToJson.Convert(BoundedYaml.Load(Read(files, path)).Single()) as JsonObject
        ?? throw new InvalidOperationException($"The file {path} of the chart is not an object.");

    /// <summary>The file as text.</summary>
    /// <exception cref="InvalidOperationException">The chart lacks the file.</exception>
    public static string Read(IEnumerable<ChartFile> files, string path) =>
        Encoding.UTF8.GetString((files.FirstOrDefault(file => file.Path == path)
            ?? throw new InvalidOperationException($"The chart has no file {path}.")).Content);
}
