using System.CommandLine;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Delivery.Reading;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Saves content of a registry into an archive: a bundle, which push and skopeo read.</summary>
internal static class PullCommand
{
    public static Command Build(TimeProvider time)
    {
        var names = new Argument<string[]>("NAME")
        {
            Description = "REPOSITORY:TAG or REPOSITORY@DIGEST as list prints it, or an image name with its host; "
                + "everything that has a tag without it.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var file = new Option<string>("--file", "-f") { Description = "The archive to write, for example site.tar.", Required = true };
        var targets = new TargetArguments();
        var command = new Command("pull", "Save content of a registry into an archive, with its signatures and lock.") { names, file };
        command.Aliases.Add("save");
        targets.Bind(command, time, (reader, result) =>
            selection => RunAsync(selection, result.GetValue(names) ?? [], result.GetValue(file)!, time));
        return command;
    }

    private static Task<int> RunAsync(TargetSelection selection, string[] names, string file, TimeProvider time) =>
        selection.RunOnOneAsync(async (target, cancellationToken) =>
        {
            var all = names is [] ? await ContentSave.AllAsync(target, cancellationToken) : names;
            var items = await ContentSave.FindAsync(target, all, cancellationToken);
            if (items.Count == 0)
                return ExitCode.Fail($"The registry of {target.Name} is empty.");
            var report = await BundleCommand.WriteAsync(
                file, target.Name, items, new BundleOptions { Time = time }, cancellationToken);
            foreach (var notice in report.Notices)
                await Console.Error.WriteLineAsync(notice);
            await Console.Out.WriteLineAsync(
                $"{file}: {items.Count} {(items.Count == 1 ? "name" : "names")}, {ByteText.Of(report.Size)}");
            return ExitCode.Success;
        });
}
