using CapiRegistryHook.Content.Charts;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Collecting;

/// <summary>Everything that is open while content is collected and read: files, and a folder for what is downloaded.</summary>
internal sealed class OpenSources : IDisposable
{
    private readonly List<IDisposable> _opened = [];
    private DirectoryInfo? _folder;

    /// <summary>A file name of its own for a chart that is downloaded.</summary>
    public string NewChartFile()
    {
        _folder ??= Directory.CreateTempSubdirectory("capi-registry-hook-");
        return Path.Combine(_folder.FullName, $"{_opened.Count}-{Path.GetRandomFileName()}.tgz");
    }

    public ChartSource OpenChart(string path)
    {
        var chart = ChartSource.Open(path);
        _opened.Add(chart);
        return chart;
    }

    public async Task<INamedSource> OpenArchiveAsync(string path, CancellationToken cancellationToken)
    {
        var archive = await ContentArchive.OpenAsync(path, cancellationToken);
        _opened.Add(archive);
        return archive;
    }

    public void Dispose()
    {
        _opened.ForEach(source => source.Dispose());
        _folder?.Delete(recursive: true);
    }
}
