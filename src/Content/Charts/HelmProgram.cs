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
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    /// <summary>Variables that would lead Helm to another cluster or namespace than the one that is meant.</summary>
    private static readonly Dictionary<string, string?> ForeignClusters = new[]
    {
        "HELM_NAMESPACE", "HELM_KUBECONTEXT", "HELM_KUBEAPISERVER", "HELM_KUBETOKEN", "HELM_KUBEASUSER", "HELM_KUBEASGROUPS",
        "HELM_KUBECAFILE", "HELM_KUBEINSECURE_SKIP_TLS_VERIFY", "HELM_KUBETLS_SERVER_NAME",
    }.ToDictionary(name => name, _ => (string?)null);

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
        var environment = new Dictionary<string, string?>(ForeignClusters) { ["KUBECONFIG"] = "/dev/null" };
        var call = new ProgramCall(Path, arguments) { Timeout = RenderTimeout, Environment = environment };
        var result = await call.RunAsync(Time, cancellationToken);
        return result.ExitCode == 0 ? result.Text
            : throw new ContentException($"Helm can't render {chart}: {result.Errors}");
    }

    /// <summary>Installs or upgrades a release; what Helm says goes where this process writes.</summary>
    /// <param name="install">What is installed.</param>
    /// <param name="cancellationToken">Lets Helm end by itself, which Ctrl-C also asks of it, and kills it half a minute later.</param>
    /// <returns>Helm's exit code.</returns>
    /// <exception cref="ContentException">Helm can't be started, or does not end.</exception>
    public async Task<int> InstallAsync(HelmInstall install, CancellationToken cancellationToken)
    {
        var call = new ProgramCall(Path, [.. install.Arguments(await MajorVersionAsync(cancellationToken))])
        {
            Timeout = install.Timeout + Grace,
            Environment = new Dictionary<string, string?>(ForeignClusters)
            {
                ["KUBECONFIG"] = install.Kubeconfig,
                ["HELM_PLUGINS"] = install.PostRenderer?.PluginFolder ?? Environment.GetEnvironmentVariable("HELM_PLUGINS"),
            },
        };
        return await call.RunAttachedAsync(Time, Grace, cancellationToken);
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
