using System.CommandLine;
using System.CommandLine.Parsing;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Hooks;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>
/// The command line: <c>serve</c> by default, <c>plan</c>, <c>status</c>, <c>rotate-root</c>, <c>--version</c>. Exit code 2 means that
/// the input was bad.
/// </summary>
internal static class CommandLine
{
    private const int BadInput = 2;

    public static async Task<int> RunAsync(string[] args, TimeProvider time)
    {
        var result = Build(time).Parse(SplitEmptyValues(args), new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (result.Errors.Count > 0)
            return Refuse(result.Errors.Select(error => error.Message));
        if (OptionsBeforeTheCommand(result) is [_, ..] lost)
            return Refuse(lost.Select(option => $"Option '{option}' stands before the command, where it has no effect; put it behind."));

        // The host itself listens for signals and drains; the parser must not cut it short.
        return await result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }

    /// <summary>The parser takes "--option=" for an option without a value, where an empty one is meant.</summary>
    private static string[] SplitEmptyValues(string[] args) =>
        [.. args.SelectMany(argument => argument.StartsWith("--", StringComparison.Ordinal)
            && argument.IndexOf('=', StringComparison.Ordinal) == argument.Length - 1
            ? new[] { argument[..^1], "" }
            : [argument])];

    private static List<string> OptionsBeforeTheCommand(ParseResult result) => result.CommandResult == result.RootCommandResult
        ? []
        : [.. result.RootCommandResult.Children.OfType<OptionResult>()
        .Where(option => !option.Implicit).Select(option => option.Option.Name)];

    private static RootCommand Build(TimeProvider time)
    {
        var root = new RootCommand("Cluster API Runtime Extension that gives workload clusters a registry of their own.");
        var serve = new Command("serve", "Answer Cluster API's hooks over HTTPS (the default).");
        var plan = new Command("plan", "Print what a Cluster would get. Needs no cluster.");
        IReadOnlyList<ServiceOption> serveOptions = [.. ServiceOptionList.Registry, .. ServiceOptionList.Serve];
        foreach (var command in new[] { root, serve })
            AddAction(
                command, serveOptions, (reader, problems, cancellationToken) => ServeAsync(reader, problems, time, cancellationToken));

        var file = new Option<string>("--file", "-f") {
            Description = "Manifest with the Cluster, or the body of a GeneratePatches request; - reads standard input.", Required = true };
        plan.Options.Add(file);
        AddAction(plan, ServiceOptionList.Registry, (reader, problems, result) =>
            Task.FromResult(PlanCommand.Run(result.GetValue(file)!, reader, problems)));
        root.Subcommands.Add(serve);
        root.Subcommands.Add(plan);
        root.Subcommands.Add(BuildStatus(time));
        root.Subcommands.Add(BuildRotateRoot(time));
        return root;
    }

    private static Command BuildRotateRoot(TimeProvider time)
    {
        var command = new Command("rotate-root", "Ask for a rotation of the root CA, and print what will happen.");
        var compromised = new Option<bool>(
            "--compromised") {
                Description =
                    "Somebody else may have the key of the current root: clusters stop trusting it as soon as they serve a "
                        + "certificate from the next one." };
        command.Options.Add(compromised);
        AddAction(command, RotateRootCommand.Options, (reader, problems, result) =>
            RotateRootCommand.RunAsync(reader, result.GetValue(compromised), problems, time));
        return command;
    }

    private static Command BuildStatus(TimeProvider time)
    {
        var status = new Command("status", "Print how the registries of all Clusters stand.");
        var output = new Option<string>(
            "--output", "-o") { Description = "table, or json for programs.", DefaultValueFactory = _ => "table" };
        status.Options.Add(output);
        AddAction(status, [.. ServiceOptionList.Registry, .. ServiceOptionList.Management], (reader, problems, result) =>
            StatusCommand.RunAsync(reader, problems, result.GetValue(output)!, time));
        return status;
    }

    private static void AddAction(
        Command command, IReadOnlyList<ServiceOption> known, Func<OptionReader, List<string>, ParseResult, Task<int>> run)
    {
        var options = known.Append(ServiceOptionList.Config).ToDictionary(option => option.Name, ToOption);
        foreach (var option in options.Values)
            command.Options.Add(option);
        command.SetAction(result =>
        {
            var flags = options.Where(entry => result.GetResult(entry.Value) is not null)
                .ToDictionary(entry => entry.Key, entry => result.GetValue(entry.Value) ?? "");
            var problems = new List<string>();
            var set = OptionSources.Merge(flags, Environment.GetEnvironmentVariables(), known, problems);
            return run(new OptionReader(set, problems), problems, result);
        });
    }

    private static Option<string> ToOption(ServiceOption option) => new(option.Flag)
    {
        Description = option.Default.Length == 0 ? option.Description : $"{option.Description} [default: {option.Default}]",
    };

    private static async Task<int> ServeAsync(OptionReader reader, List<string> problems, TimeProvider time, ParseResult _)
    {
        var options = ServiceOptions.Read(reader, problems);
        if (problems.Count > 0)
            return Refuse(problems);
        try
        {
            await HookHost.RunAsync(options, time);
            return 0;
        }
        catch (HookHostException exception)
        {
            return Refuse([exception.Message]);
        }
    }

    /// <summary>Names every problem on standard error.</summary>
    public static int Refuse(IEnumerable<string> problems)
    {
        foreach (var problem in problems)
            Console.Error.WriteLine(problem);
        return BadInput;
    }
}
