using System.Collections.Concurrent;
using System.CommandLine;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Pushing;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Pushes content to the registries of clusters, or to any registry. Running it again sends what is missing.</summary>
internal static class PushCommand
{
    public static Command Build(TimeProvider time)
    {
        var sources = new Argument<string[]>("SOURCE")
        {
            Description = "Bundle, OCI layout, OCI or Docker archive, chart (.tgz or folder), or an image reference in another registry.",
            Arity = ArgumentArity.OneOrMore,
        };
        var wait = new Option<bool>("--wait") { Description = "Return when every replica serves what was pushed." };
        var limit = new Option<string>("--wait-timeout")
        {
            Description = "How long --wait waits. [1s to 24h]", DefaultValueFactory = _ => "10m",
        };
        var parallel = new Option<int>("--parallel")
        {
            Description = "Registries that are pushed to at once. [1 to 64]", DefaultValueFactory = _ => 4,
        };
        var workers = new Option<int>("--workers")
        {
            Description = "Blobs that are sent to one registry at once; each is a stream of its own. [1 to 32]",
            DefaultValueFactory = _ => 4,
        };
        var dryRun = new Option<bool>("--dry-run") { Description = "Send nothing; print what would be sent." };
        var output = OutputFormat.Option();
        var sourceCa = new Option<string?>("--source-ca-file")
        {
            Description = "CA certificates in PEM that verify the registries of image references, besides those of this machine.",
        };
        var targets = new TargetArguments();
        var command = new Command(
            "push", "Push content to the registries of clusters: blobs before manifests before tags. What a registry "
            + "already has is not sent.") { sources, wait, limit, parallel, workers, dryRun, output, sourceCa };
        targets.Bind(command, time, (reader, result) =>
        {
            var isJson = OutputFormat.IsJson(reader, result.GetValue(output)!);
            reader.CheckRange("parallel", result.GetValue(parallel), 1, 64);
            reader.CheckRange("workers", result.GetValue(workers), 1, 32);
            var options = new PushOptions
            {
                Parallel = result.GetValue(parallel), Workers = result.GetValue(workers), IsDryRun = result.GetValue(dryRun), Time = time,
                WaitLimit = reader.ReadDuration("wait-timeout", result.GetValue(limit)!) is var most && result.GetValue(wait) ? most : null,
            };
            var sourceTrust = reader.ReadPem("source-ca-file", result.GetValue(sourceCa));
            return selection => RunAsync(selection, result.GetValue(sources)!, sourceTrust, options, isJson);
        });
        return command;
    }

    private static Task<int> RunAsync(
        TargetSelection selection, string[] sources, string? sourceTrust, PushOptions options, bool isJson) =>
        selection.RunAsync(async (targets, cancellationToken) =>
        {
            using var registries = new UpstreamRegistries(
                DockerConfig.Read(DockerConfig.DefaultPath, options.Time), sourceTrust, options.Time);
            using var content = await SourceSet.OpenAsync(sources, registries, cancellationToken);
            var results = await PushAsync(content, targets, options, cancellationToken);
            Console.Out.Write(isJson ? PushText.WriteJson(results, options.IsDryRun) : PushText.WriteTable(results, options.IsDryRun));
            return results.All(result => result.IsComplete) ? ExitCode.Success : ExitCode.Failure;
        });

    private static async Task<IReadOnlyList<PushResult>> PushAsync(
        SourceSet content, IReadOnlyList<TargetAddress> targets, PushOptions options, CancellationToken cancellationToken)
    {
        using var display = ProgressDisplay.Start(options.Time);
        var transfers = new ConcurrentDictionary<string, ProgressDisplay.Transfer>(StringComparer.Ordinal);
        return await new FleetPush(content.Entries, options with
        {
            Progress = target => transfers[target] = display.Add(target),
            OnResult = result =>
            {
                transfers.GetValueOrDefault(result.Target)?.Finish();
                foreach (var failure in result.Failures)
                    display.WriteLine($"{result.Target}: {failure}");
            },
        }).RunAsync(targets, cancellationToken);
    }
}
