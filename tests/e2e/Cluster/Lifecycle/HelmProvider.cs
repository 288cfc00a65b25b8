using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;

/// <summary>
/// Plays the add-on provider for Helm with the real Helm 3: takes a HelmChartProxy as it is, renders its values with Go's
/// text/template (Helm's own engine does), verifies the repository by the CA Secret it names, and installs exactly that version.
/// </summary>
/// <param name="environment">Where the HelmChartProxy and the CA Secret are, and where the chart goes.</param>
/// <param name="host">A name of the hook's listener, which leads to <paramref name="address"/> for Helm.</param>
/// <param name="address">The loopback address of the hook.</param>
internal sealed class HelmProvider(TestEnvironment environment, string host, string address)
{
    private static readonly string[] Rendered = ["template", "values"];

    /// <summary>Installs or upgrades what the HelmChartProxy asks for, and waits until all of it is ready.</summary>
    public async Task ReconcileAsync(string proxyName, CancellationToken cancellationToken)
    {
        var spec = (JsonObject)(await environment.ManagementObjects.GetAsync(
            AdminClient.ChartProxies("default"), proxyName, cancellationToken))["spec"]!;
        await using var folder = ScratchFolder.Create("capi-registry-hook-provider-");
        var values = folder.Write("values.yaml", await RenderAsync((string)spec["valuesTemplate"]!, folder, cancellationToken));
        var authority = folder.Write("ca.crt", await AuthorityAsync(spec, cancellationToken));
        var kubeconfig = folder.Write("kubeconfig", environment.Workload.Kubeconfig);
        var run = await RunAsync(folder, cancellationToken,
            "upgrade", "--install", (string)spec["releaseName"]!, $"{spec["repoURL"]}/{spec["chartName"]}", "--version",
            (string)spec["version"]!,
            "--namespace", (string)spec["namespace"]!, "--kubeconfig", kubeconfig, "--ca-file", authority, "--values", values, "--wait",
            "--timeout", "150s");
        if (run.ExitCode != 0)
            throw new InvalidOperationException($"Helm could not install the HelmChartProxy {proxyName}: {run.Errors}");
    }

    private async Task<string> AuthorityAsync(JsonObject spec, CancellationToken cancellationToken)
    {
        var reference = spec["tlsConfig"]!["caSecret"]!;
        var secret = await environment.ManagementObjects.GetAsync(
            AdminClient.Secrets((string)reference["namespace"]!), (string)reference["name"]!, cancellationToken);
        return Encoding.UTF8.GetString(Convert.FromBase64String((string)secret["data"]!["ca.crt"]!));
    }

    /// <summary>A chart whose only template is the text: what comes out has been through the same engine as in the provider.</summary>
    private async Task<string> RenderAsync(string template, ScratchFolder folder, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder["scratch/templates"]);
        folder.Write("scratch/Chart.yaml", "apiVersion: v2\nname: scratch\nversion: 0.0.0\n");
        folder.Write("scratch/templates/values.yaml", template);
        var run = await RunAsync(folder, cancellationToken, [.. Rendered, folder["scratch"]]);
        return run.ExitCode == 0
            ? run.Output
            : throw new InvalidOperationException($"The values template of the HelmChartProxy can't be rendered: {run.Errors}");
    }

    private async Task<ProgramRun> RunAsync(ScratchFolder folder, CancellationToken cancellationToken, params string[] arguments)
    {
        var hosts = folder.Write("hosts", $"{address} {host}\n");
        return await ProgramRun.RunAsync(
            "unshare", ["--mount", "sh", "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\"", hosts, await TestTools.PathOfAsync("helm3"),
            .. arguments],
            cancellationToken, environment: new Dictionary<string, string?> { ["HOME"] = folder.Path, ["KUBECONFIG"] = null });
    }
}
