using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.Cli.Options;

/// <summary>What is logged, and how.</summary>
internal static class LogOptionGroup
{
    private static readonly OptionGroup<LogOptions> Group = new OptionGroup<LogOptions>(new())
        .Add("log-level", OptionKind.Choice<LogLevel>(), options => options.Level, (options, value) => options with { Level = value },
            "Least severe level that is logged.")
        .Add("log-format", OptionKind.Choice<LogFormat>(), options => options.Format, (options, value) => options with { Format = value },
            "How a line of the log looks: Text for people, or Json, one object a line.", "Text on a terminal, else Json");

    public static IReadOnlyList<ServiceOption> Options => Group.Options;

    public static LogOptions Read(OptionReader reader) =>
        Group.Read(reader, new LogOptions { Format = Console.IsOutputRedirected ? LogFormat.Json : LogFormat.Text });
}
