using System.CommandLine;
using CapiRegistryHook.Delivery.Reading;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Removes content from every replica of a registry.</summary>
internal static class RemoveCommand
{
    public static Command Build(TimeProvider time)
    {
        var names = new Argument<string[]>("NAME")
        {
            Description =
                "REPOSITORY:TAG or REPOSITORY@DIGEST as list prints it, or an image name with its host. A digest goes with all its tags.",
            Arity = ArgumentArity.OneOrMore,
        };
        var targets = new TargetArguments();
        var command = new Command("remove", "Remove tags or manifests from every replica of a registry, where deletes are enabled. "
            + "Garbage collection frees the space.") { names };
        targets.Bind(command, time, (reader, result) =>
            selection => RunAsync(selection, result.GetValue(names)!));
        return command;
    }

    private static Task<int> RunAsync(TargetSelection selection, string[] names) =>
        selection.RunAsync(async (targets, cancellationToken) =>
        {
            var code = ExitCode.Success;
            foreach (var target in targets)
                code = Math.Max(code, await RemoveAsync(target, names, cancellationToken));
            return code;
        });

    private static async Task<int> RemoveAsync(TargetAddress address, string[] names, CancellationToken cancellationToken)
    {
        var code = ExitCode.Success;
        try
        {
            using var target = await address.OpenAsync(cancellationToken);
            foreach (var name in names.Select(text => ContentName.Resolve(text, target.Rule)).ToList())
            {
                var count = await ContentRemoval.RunAsync(target, name, cancellationToken);
                if (count == 0)
                    code = ExitCode.Fail($"{target.Name}: {name.Text} is not there.");
                else
                    await Console.Out.WriteLineAsync(
                        $"{target.Name}: {name.Text} removed from {count} {(count == 1 ? "replica" : "replicas")}");
            }
        }
        catch (Exception exception) when (Fault.Is(exception))
        {
            code = ExitCode.Fail($"{address.Name}: {Fault.Describe(exception)}");
        }

        return code;
    }
}
