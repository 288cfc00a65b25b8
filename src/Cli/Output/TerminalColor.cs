namespace CapiRegistryHook.Cli.Output;

/// <summary>Colours on a terminal.</summary>
internal static class TerminalColor
{
    public const string Good = "32";
    public const string Attention = "33";
    public const string Bad = "31";
    public const string Faint = "2";

    /// <summary>Whether standard output is a terminal that shows colours, and its user wants them (https://no-color.org).</summary>
    public static bool IsWanted => IsTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    /// <summary>Whether a person reads standard output on a terminal that can move its cursor.</summary>
    public static bool IsTerminal =>
        !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb";

    /// <summary>The text in a colour; the text alone where there is none.</summary>
    public static string Paint(string text, string? color) => color is null ? text : $"\u001b[{color}m{text}\u001b[0m";
}
