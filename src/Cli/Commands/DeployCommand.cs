using System.CommandLine;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Content.Charts;
using CapiRegistryHook.Delivery.Deploying;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Deploys a chart whose images are all in the cluster's registry, with the real Helm.</summary>
internal static class DeployCommand
{
    public static Command Build(TimeProvider time)
    {
        var chart = new Argument<string>("CHART")
        {
            Description =
                "Chart in the cluster's registry, such as charts/web or oci://HOST/PATH, or a file or folder, which is pushed first.",
        };
        var cluster = new Option<string>("--cluster") { Description = "The Cluster, as NAMESPACE/NAME.", Required = true };
        var version = new Option<string?>("--version") { Description = "Version of the chart. [default: the newest release]" };
        var values = new Option<string[]>("--values", "-f") { Description = "Values file; may be repeated." };
        var space = new Option<string>("--namespace", "-n")
        {
            Description = "Namespace of the release.", DefaultValueFactory = _ => "default",
        };
        var release = new Option<string?>("--release") { Description = "Name of the release. [default: the chart's]" };
        var rewrite = new Option<bool>("--rewrite")
        {
            Description = "Make images point to the registry's address and digest, for nodes that do not use it as their mirror.",
        };
        var paths = RewriteCommand.PathOption();
        var wait = new Option<bool>("--wait") { Description = "Return when everything is ready." };
        var timeout = new Option<string>("--timeout")
        {
            Description = "How long Helm may wait for the cluster. [1s to 24h]", DefaultValueFactory = _ => "5m",
        };
        var helm = new Option<string>("--helm") { Description = "Helm 3 or 4.", DefaultValueFactory = _ => "helm" };
        var command = new Command("deploy", "Deploy a chart whose images are all in the cluster's registry.")
        {
            chart, cluster, version, values, space, release, rewrite, paths, wait, timeout, helm,
        };
        var login = new LoginArguments();
        login.AddTo(command);
        command.Bind(TargetArguments.Service, (reader, result) =>
        {
            if (!RewriteCommand.TryParse(result.GetValue(paths), out var parsed, out var problem))
                return Task.FromResult(ExitCode.Refuse(problem));
            foreach (var file in (result.GetValue(values) ?? []).Where(file => !File.Exists(file)))
                reader.Refuse("values", $"names the file {file}, which does not exist.");
            var request = new DeployRequest(result.GetValue(chart)!, result.GetValue(version),
                [.. (result.GetValue(values) ?? []).Select(Path.GetFullPath)], result.GetValue(space)!)
            {
                Release = result.GetValue(release), Rewrites = result.GetValue(rewrite), Paths = parsed, Waits = result.GetValue(wait),
                Timeout = reader.ReadDuration("timeout", result.GetValue(timeout)!),
            };
            return TargetArguments.ReadOne(reader, result.GetValue(cluster)!, () => login.Read(reader, result, time), time) is { } selection
                ? RunAsync(selection, request, result.GetValue(helm)!, time) : Task.FromResult(ExitCode.Refuse(reader.Problems));
        });
        return command;
    }

    private static Task<int> RunAsync(TargetSelection selection, DeployRequest request, string helm, TimeProvider time) =>
        selection.RunOnOneAsync(async (target, cancellationToken) =>
        {
            var deployment = new ChartDeployment(target, HelmProgram.Find(helm, time), time);
            var missing = await deployment.RunAsync(request, Environment.ProcessPath!, cancellationToken);
            foreach (var sentence in missing)
                Console.Error.WriteLine(TextTable.Printable(sentence));
            return missing.Count == 0 ? ExitCode.Success
                : ExitCode.Fail(
                    $"{BundleText.Count(missing.Count, "image")} missing in the registry of {target.Name}; nothing was deployed.");
        });
}
