using System.CommandLine;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Delivery.Pruning;
using CapiRegistryHook.Delivery.Reading;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>
/// Removes from registries what no lock, no workload and no keep rule needs. It says what would go until it is told to do it.
/// </summary>
internal static class PruneCommand
{
    public static Command Build(TimeProvider time)
    {
        var yes = new Option<bool>("--yes") { Description = "Remove it. Without this, only say what would go." };
        var last = new Option<int>("--keep-last")
        {
            Description = "Newest tags of each repository that stay, by the time at which they were built. [0 to 10000, default: 0]",
        };
        var younger = new Option<string?>("--keep-younger")
        {
            Description = "What was built within this time stays, as in 720h. What does not say when it was built stays too.",
        };
        var matching = new Option<string[]>("--keep")
        {
            Description = "What matches stays: REPOSITORY:TAG, in which * stands for any characters.",
            AllowMultipleArgumentsPerToken = true,
        };
        var locks = new Option<string[]>("--lock")
        {
            Description = "Locks or bundles whose content stays, besides the locks that a registry holds itself.",
            AllowMultipleArgumentsPerToken = true,
        };
        var collect = new Option<bool>("--collect")
        {
            Description = "Collect garbage afterwards, where the registry chart can (garbageCollection.enabled).",
            DefaultValueFactory = _ => true,
        };
        var limit = new Option<string>("--collect-timeout")
        {
            Description = "How long the collection may take. [1s to 24h]", DefaultValueFactory = _ => "2h",
        };
        var output = OutputFormat.Option();
        var targets = new TargetArguments();
        var command = new Command(
            "prune", "Remove what no lock, no pod or controller of the cluster and no keep rule needs, from every replica.")
        {
            yes, last, younger, matching, locks, collect, limit, output,
        };
        targets.Bind(command, time, (reader, result) =>
        {
            var isJson = OutputFormat.IsJson(reader, result.GetValue(output)!);
            reader.CheckRange("keep-last", result.GetValue(last), 0, 10_000);
            var rules = new KeepRules(
                result.GetValue(last), reader.ReadAge("keep-younger", result.GetValue(younger)), result.GetValue(matching) ?? []);
            var most = reader.ReadDuration("collect-timeout", result.GetValue(limit)!);
            var options = new PruneOptions(rules, [], IsDryRun: !result.GetValue(yes), result.GetValue(collect) ? most : null);
            return selection => RunAsync(selection, result.GetValue(locks) ?? [], options, isJson);
        });
        return command;
    }

    /// <summary>One registry after the other: a collection restarts replicas, and a mistake in a rule is seen in the first.</summary>
    private static Task<int> RunAsync(TargetSelection selection, string[] locks, PruneOptions options, bool isJson) =>
        selection.RunAsync(async (targets, cancellationToken) =>
        {
            options = options with { Locks = await ReadLocksAsync(locks, cancellationToken) };
            var pruning = new RegistryPruning(options, selection.Time);
            var reports = new List<PruneReport>();
            foreach (var address in targets)
            {
                try
                {
                    using var target = await address.OpenAsync(cancellationToken);
                    var report = await pruning.RunAsync(target, cancellationToken);
                    reports.Add(report);
                    if (!isJson)
                        Console.Out.Write(PruneText.WriteText(report, options));
                }
                catch (Exception exception) when (Fault.Is(exception))
                {
                    ExitCode.Fail($"{address.Name}: {Fault.Describe(exception)}");
                }
            }

            if (isJson)
                Console.Out.Write(PruneText.WriteJson(reports, options));
            return reports.Count == targets.Count ? ExitCode.Success : ExitCode.Failure;
        });

    private static async Task<IReadOnlyList<ContentPlaces.Named>> ReadLocksAsync(
        string[] files, CancellationToken cancellationToken)
    {
        var all = new List<ContentPlaces.Named>();
        foreach (var file in files)
            all.AddRange(await ReplicaCheck.ReadLockAsync(file, cancellationToken));
        return all;
    }
}
