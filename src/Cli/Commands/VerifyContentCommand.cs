using System.Collections.Concurrent;
using System.CommandLine;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Delivery.Reading;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Checks that registries have what a lock or a bundle lists, on every replica, down to each blob.</summary>
internal static class VerifyContentCommand
{
    private const int AtOnce = 4;
    private static readonly string[] Heads = ["REGISTRY", "RESULT", "REPLICA", "NAME", "REASON"];

    public static Command Build(TimeProvider time)
    {
        var file = new Argument<string>("LOCK|BUNDLE") { Description = "A lock file, or a bundle, whose lock is used." };
        var output = OutputFormat.Option();
        var targets = new TargetArguments();
        var command = new Command("verify-content",
            "Check that every replica of a registry has what a lock or a bundle lists, down to each blob.") { file, output };
        targets.Bind(command, time, (reader, result) =>
        {
            var isJson = OutputFormat.IsJson(reader, result.GetValue(output)!);
            return selection => RunAsync(selection, result.GetValue(file)!, isJson);
        });
        return command;
    }

    private static Task<int> RunAsync(TargetSelection selection, string file, bool isJson) =>
        selection.RunAsync(async (targets, cancellationToken) =>
        {
            var content = await ReplicaCheck.ReadLockAsync(file, cancellationToken);
            var found = new ConcurrentDictionary<int, IReadOnlyList<MissingContent>>();
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(targets.Index(), parallel, async (target, token) =>
                found[target.Index] = await CheckAsync(target.Item, content, token));
            var results = targets.Select((target, index) => (target.Name, found[index])).ToList();
            Console.Out.Write(isJson ? WriteJson(results) : TextTable.Write(Heads, results.SelectMany(Rows)));
            return results.TrueForAll(result => result.Item2.Count == 0) ? ExitCode.Success
                : ExitCode.Fail("Not everything is there; push it again.");
        });

    private static async Task<IReadOnlyList<MissingContent>> CheckAsync(
        TargetAddress address, IReadOnlyList<ContentPlaces.Named> content, CancellationToken cancellationToken)
    {
        try
        {
            using var target = await address.OpenAsync(cancellationToken);
            return await ReplicaCheck.RunAsync(target, content, cancellationToken);
        }
        catch (Exception exception) when (Fault.Is(exception))
        {
            return [new MissingContent("-", Label: null, Fault.Describe(exception))];
        }
    }

    private static IEnumerable<string[]> Rows((string Name, IReadOnlyList<MissingContent> Missing) result) => result.Missing is []
        ? [[result.Name, "complete", "-", "-", ""]]
        : result.Missing.Select(missing => new[] { result.Name, "missing", missing.Replica, missing.Label ?? "-", missing.Reason });

    private static string WriteJson(IEnumerable<(string Name, IReadOnlyList<MissingContent> Missing)> results) =>
        OutputFormat.WriteJson(json =>
    {
        json.WriteStartArray("registries");
        foreach (var (name, missing) in results)
        {
            json.WriteStartObject();
            json.WriteString("registry", name);
            json.WriteBoolean("complete", missing.Count == 0);
            json.WriteStartArray("missing");
            foreach (var one in missing)
            {
                json.WriteStartObject();
                json.WriteString("replica", one.Replica);
                json.WriteString("name", one.Label);
                json.WriteString("reason", one.Reason);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
