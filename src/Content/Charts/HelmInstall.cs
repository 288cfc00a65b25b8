using System.Text;
using System.Text.Json;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Charts;

/// <summary>An installation or upgrade of a release by Helm.</summary>
/// <param name="Release">The release.</param>
/// <param name="Chart">A <c>.tgz</c> file or a folder.</param>
/// <param name="Values">Values files, later ones over earlier ones.</param>
/// <param name="Kubeconfig">The file that leads to the cluster.</param>
/// <param name="Timeout">How long Helm may wait for the cluster.</param>
public sealed record HelmInstall(
    HelmRelease Release, string Chart, IReadOnlyList<string> Values, string Kubeconfig, TimeSpan Timeout)
{
    /// <summary>Whether Helm returns when everything is ready.</summary>
    public bool Waits { get; init; }

    /// <summary>What changes the manifests before they reach the cluster; null for nothing.</summary>
    public HelmPostRenderer? PostRenderer { get; init; }

    /// <summary>Helm's arguments.</summary>
    /// <param name="major">The major version of Helm, 3 or 4.</param>
    internal IEnumerable<string> Arguments(int major)
    {
        string[] arguments =
        [
            "upgrade", Release.Name, Chart, "--install", "--kubeconfig", Kubeconfig, "--namespace", Release.Namespace, "--create-namespace",
            "--timeout", $"{(int)Timeout.TotalSeconds}s", .. Values.SelectMany(file => new[] { "--values", file }),
        ];
        return [.. arguments, .. Waits ? ["--wait"] : Array.Empty<string>(), .. PostRenderer?.Arguments(major) ?? []];
    }
}

/// <summary>
/// A program that Helm sends manifests through. Helm 3 takes any program; Helm 4 takes a plugin, which is made in a folder of its own and
/// found by <c>HELM_PLUGINS</c>.
/// </summary>
public sealed class HelmPostRenderer
{
    private const string Name = "rewrite-images";
    private const string Link = "run";

    private readonly string _folder;
    private readonly IReadOnlyList<string> _arguments;

    private HelmPostRenderer(string folder, IReadOnlyList<string> arguments) => (_folder, _arguments) = (folder, arguments);

    /// <summary>The folder for <c>HELM_PLUGINS</c>.</summary>
    public string PluginFolder => Path.GetDirectoryName(_folder)!;

    /// <summary>Makes the plugin.</summary>
    /// <param name="folder">An empty folder; the caller removes it.</param>
    /// <param name="program">The program that reads manifests and writes them.</param>
    /// <param name="arguments">Its arguments; without dollar signs, which Helm 4 would take for variables.</param>
    /// <exception cref="ContentException">An argument has a dollar sign.</exception>
    public static HelmPostRenderer Create(string folder, string program, IReadOnlyList<string> arguments)
    {
        if (arguments.FirstOrDefault(argument => argument.Contains('$', StringComparison.Ordinal)) is { } variable)
            throw new ContentException($"'{Digest.Shorten(variable)}' can't be passed through Helm: it has a dollar sign.");
        var own = Path.Combine(folder, Name);
        Directory.CreateDirectory(own);
        // Helm 4 splits the command at blanks before it expands variables, so a path with a blank would not do.
        File.CreateSymbolicLink(Path.Combine(own, Link), program);
        File.WriteAllText(Path.Combine(own, "plugin.yaml"), $$"""
            apiVersion: v1
            type: postrenderer/v1
            name: {{Name}}
            version: 0.1.0
            runtime: subprocess
            runtimeConfig:
              platformCommand:
                - command: ${HELM_PLUGIN_DIR}/{{Link}}
                  args: [{{string.Join(", ", arguments.Select(Quote))}}]

            """);
        return new HelmPostRenderer(own, arguments);
    }

    internal IEnumerable<string> Arguments(int major) => major >= 4 ? ["--post-renderer", Name]
        : ["--post-renderer", Path.Combine(_folder, Link), .. _arguments.Select(argument => $"--post-renderer-args={argument}")];

    // A JSON string is a YAML string.
    private static string Quote(string text)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
            json.WriteStringValue(text);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
