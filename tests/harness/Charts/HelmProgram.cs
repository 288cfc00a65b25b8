using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Charts;

/// <summary>Helm 3 or 4, as <see cref="TestTools"/> fetches them, on charts of this repository. No cluster is asked.</summary>
/// <param name="tool"><c>helm3</c> or <c>helm4</c>.</param>
/// <param name="release">The name of the release.</param>
/// <param name="namespace">Its namespace.</param>
public sealed class HelmProgram(string tool, string release = HelmProgram.Release, string @namespace = HelmProgram.Namespace)
{
    /// <summary>The release that tests render: what the hook installs is called like this, too.</summary>
    public const string Release = "registry";

    public const string Namespace = "registry-system";

    /// <summary>Renders a chart; the run may have failed.</summary>
    /// <param name="chart">The chart's folder.</param>
    /// <param name="cancellationToken">Ends Helm.</param>
    /// <param name="arguments">More arguments, such as <c>--values FILE</c> or <c>--kube-version 1.20.2</c>.</param>
    public Task<ProgramRun> TryRenderAsync(string chart, CancellationToken cancellationToken, params string[] arguments) =>
        RunAsync(["template", release, chart, "--namespace", @namespace, .. arguments], cancellationToken);

    /// <summary>Renders a chart that has to render, as the text that Helm prints.</summary>
    /// <exception cref="InvalidOperationException">Helm refused; the message says why.</exception>
    public async Task<string> RenderAsync(string chart, CancellationToken cancellationToken, params string[] arguments)
    {
        var run = await TryRenderAsync(chart, cancellationToken, arguments);
        return run.ExitCode == 0
            ? run.Output : throw new InvalidOperationException($"{tool} template {string.Join(' ', arguments)}: {run.Errors}");
    }

    /// <summary>Renders a chart that has to render, as objects.</summary>
    public async Task<IReadOnlyList<JsonObject>> ObjectsAsync(
        string chart, CancellationToken cancellationToken, params string[] arguments) =>
        RenderedObjects.Read(await RenderAsync(chart, cancellationToken, arguments));

    /// <summary>Lints a chart strictly; the run may have failed.</summary>
    public Task<ProgramRun> LintAsync(string chart, string valuesFile, CancellationToken cancellationToken) =>
        RunAsync(["lint", "--strict", chart, "--values", valuesFile], cancellationToken);

    private async Task<ProgramRun> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string?> { ["KUBECONFIG"] = "/dev/null" };
        return await ProgramRun.RunAsync(await TestTools.PathOfAsync(tool), arguments, cancellationToken, environment: environment);
    }
}
