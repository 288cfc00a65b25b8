namespace CapiRegistryHook.Cli.Options;

/// <summary>What is logged.</summary>
internal static class LogOptionGroup
{
    private static readonly OptionGroup<LogLevel> Group = new OptionGroup<LogLevel>(LogLevel.Information)
        .Add("log-level", OptionKind.Choice<LogLevel>(), level => level, (_, value) => value, "Least severe level that is logged.");

    public static IReadOnlyList<ServiceOption> Options => Group.Options;

    public static LogLevel Read(OptionReader reader) => Group.Read(reader);
}
