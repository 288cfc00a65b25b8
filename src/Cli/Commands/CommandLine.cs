using System.CommandLine;
using System.CommandLine.Parsing;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>The command line: a table of contents of the commands, each in a file of its own, with what applies to all of them.</summary>
internal static class CommandLine
{
    private const string Description = "Cluster API Runtime Extension that gives each workload cluster its own OCI registry.";

    public static async Task<int> RunAsync(string[] args, TimeProvider time)
    {
        var program = ProgramName.Current;
        var result = Build(program, time)
            .Parse(SplitEmptyValues(args), new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (result.Errors.Count > 0)
            return ExitCode.Refuse(result.Errors.Select(error => error.Message));
        if (UnknownOptions(result) is [_, ..] unknown)
            return ExitCode.Refuse(unknown.Select(option => $"The option {option} is not known; --help lists those of the command."));
        if (OptionsBeforeTheCommand(result) is [_, ..] lost)
            return ExitCode.Refuse(lost.Select(option =>
                $"Option '{option}' stands before the command, where it has no effect; put it after the command."));

        // The host itself listens for signals and drains; the parser must not cut it short.
        using var help = new StringWriter();
        var code = await result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, Output = help });
        await Console.Out.WriteAsync(program.InUsage(help.ToString(), RootCommand.ExecutableName));
        return code;
    }

    internal static RootCommand Build(ProgramName program, TimeProvider time)
    {
        var root = new RootCommand(Description);
        if (!program.IsPlugin)
        {
            root.Description += " Without a command, it runs the service.";
            ServeCommand.Bind(root, time);
        }

        root.Subcommands.Add(ServeCommand.Build(time));
        root.Subcommands.Add(SyncCommand.Build(time));
        root.Subcommands.Add(PlanCommand.Build());
        root.Subcommands.Add(PreflightCommand.Build(time));
        root.Subcommands.Add(SchemaCommand.Build());
        root.Subcommands.Add(StatusCommand.Build(time));
        root.Subcommands.Add(DashboardCommand.Build(time));
        root.Subcommands.Add(RotateRootCommand.Build(time));
        root.Subcommands.Add(RootBackupCommand.Build(time));
        root.Subcommands.Add(BundleCommand.Build(time));
        root.Subcommands.Add(DeployCommand.Build(time));
        root.Subcommands.Add(RewriteCommand.Build(time));
        root.Subcommands.Add(PushCommand.Build(time));
        root.Subcommands.Add(ListCommand.Build(time));
        root.Subcommands.Add(VerifyContentCommand.Build(time));
        root.Subcommands.Add(RemoveCommand.Build(time));
        root.Subcommands.Add(PruneCommand.Build(time));
        root.Subcommands.Add(PullCommand.Build(time));
        root.Subcommands.Add(ForwardCommand.Build(time));
        return root;
    }

    /// <summary>The parser takes "--option=" for an option without a value, where an empty one is meant.</summary>
    private static string[] SplitEmptyValues(string[] args) =>
        [.. args.SelectMany(argument => argument.StartsWith("--", StringComparison.Ordinal)
            && argument.IndexOf('=', StringComparison.Ordinal) == argument.Length - 1
            ? new[] { argument[..^1], "" }
            : [argument])];

    /// <summary>The parser takes an option that it does not know for an argument, where the command has some.</summary>
    internal static List<string> UnknownOptions(ParseResult result) =>
        [.. result.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens)
            .Select(token => token.Value).Where(value => value.StartsWith("--", StringComparison.Ordinal))];

    private static List<string> OptionsBeforeTheCommand(ParseResult result) => result.CommandResult == result.RootCommandResult
        ? []
        : [.. result.RootCommandResult.Children.OfType<OptionResult>()
            .Where(option => !option.Implicit).Select(option => option.Option.Name)];
}
