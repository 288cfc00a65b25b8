using System.CommandLine;
using CapiRegistryHook.Cli.Options;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Gives a command options of the service, which may also come from the environment and from an options file.</summary>
internal static class OptionBinding
{
    /// <summary>
    /// Runs <paramref name="run"/> with what was set. It has to look at <see cref="OptionReader.Problems"/> after reading.
    /// </summary>
    public static void Bind(this Command command, IReadOnlyList<ServiceOption> known, Func<OptionReader, ParseResult, Task<int>> run)
    {
        var options = known.Append(OptionList.Config).ToDictionary(option => option.Name, ToOption);
        foreach (var option in options.Values)
            command.Options.Add(option);
        command.SetAction(result =>
        {
            var flags = options.Where(entry => result.GetResult(entry.Value) is not null)
                .ToDictionary(entry => entry.Key, entry => result.GetValue(entry.Value) ?? "");
            var problems = new List<string>();
            var set = OptionSources.Merge(flags, Environment.GetEnvironmentVariables(), known, problems);
            return run(new OptionReader(set, problems), result);
        });
    }

    private static Option<string> ToOption(ServiceOption option) => new(option.Flag) { Description = option.Help };
}
