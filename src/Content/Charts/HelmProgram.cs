using System.Globalization;
using CapiRegistryHook.Content.Programs;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Charts;

/// <summary>The real Helm, version 3 or 4.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Time">The clock.</param>
public sealed record HelmProgram(string Path, TimeProvider Time)
{
    private static readonly TimeSpan RenderTimeout = TimeSpan.FromMinutes(2);

    /// <summary>Finds the program.</summary>
    /// <param name="name">A path, or a name on PATH.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="ContentException">It is not there.</exception>
    public static HelmProgram Find(string name, TimeProvider time)
    {
        var folders = name.Contains('/', StringComparison.Ordinal) ? [""]
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        var path = folders.Select(folder => System.IO.Path.Combine(folder, name)).FirstOrDefault(File.Exists)
            ?? throw new ContentException($"Helm is not installed as {name}: install Helm 3 or 4, or name the program with --helm.");
        return new HelmProgram(System.IO.Path.GetFullPath(path), time);
    }

    /// <summary>The manifests of a chart, hooks and tests included, as Helm renders them without a cluster.</summary>
    /// <param name="chart">A <c>.tgz</c> file or a folder.</param>
    /// <param name="release">The name of the release.</param>
    /// <param name="values">Values files, later ones over earlier ones.</param>
    /// <param name="cancellationToken">Ends Helm.</param>
    /// <exception cref="ContentException">Helm refuses; the message has its words.</exception>
    public async Task<string> RenderAsync(
        string chart, HelmRelease release, IReadOnlyList<string> values, CancellationToken cancellationToken)
    {
        string[] arguments = ["template", release.Name, chart, "--namespace", release.Namespace, .. values
            .SelectMany(file => new[] { "--values", file })];
        // Nothing of a cluster or of a namespace that a shell is set to may change what is found.
        var environment = new Dictionary<string, string?> { ["KUBECONFIG"] = "/dev/null", ["HELM_NAMESPACE"] = null };
        var call = new ProgramCall(Path, arguments) { Timeout = RenderTimeout, Environment = environment };
        var result = await call.RunAsync(Time, cancellationToken);
        return result.ExitCode == 0 ? result.Text
            : throw new ContentException($"Helm can't render {chart}: {result.Errors}");
    }

    /// <summary>3 or 4.</summary>
    /// <exception cref="ContentException">It is another version, or not Helm.</exception>
    public async Task<int> MajorVersionAsync(CancellationToken cancellationToken)
    {
        var call = new ProgramCall(Path, ["version", "--template", "{{.Version}}"]) { LargestOutput = 4096 };
        var result = await call.RunAsync(Time, cancellationToken);
        var major = result.Text.Trim().TrimStart('v').Split('.')[0];
        return result.ExitCode == 0 && int.TryParse(major, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            && version is 3 or 4 ? version : throw new ContentException($"{Path} is not Helm 3 or 4.");
    }
}

/// <summary>A release of a chart.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Namespace">Its namespace.</param>
public sealed record HelmRelease(string Name, string Namespace);
