using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace CapiRegistryHook.Hooks.Operations;

/// <summary>Writes each log entry as a line for people: time of day, level and message; a fault comes below.</summary>
/// <param name="time">The clock.</param>
/// <param name="colors">Whether levels are coloured.</param>
internal sealed class TextLogFormatter(TimeProvider time, bool colors) : ConsoleFormatter(nameof(LogFormat.Text))
{
    private const string Reset = "\u001b[0m";
    private const int LevelWidth = 5;

    /// <summary>Whether a terminal reads what is written, and its user wants colours (https://no-color.org).</summary>
    public static bool HasColors =>
        !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && Environment.GetEnvironmentVariable("TERM") is not "dumb";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var level = JsonLogFormatter.LevelOf(logEntry.LogLevel).ToUpperInvariant().PadRight(LevelWidth);
        var message = Printable(logEntry.Formatter(logEntry.State, logEntry.Exception), keepsLines: false);
        var moment = time.GetUtcNow().UtcDateTime.ToString("HH:mm:ss.fff", null);
        textWriter.WriteLine($"{moment} {Paint(level, logEntry.LogLevel)} {message}");
        if (logEntry.Exception is { } exception)
            textWriter.WriteLine(Printable(exception.ToString(), keepsLines: true));
    }

    private string Paint(string text, LogLevel level) => !colors ? text : level switch
    {
        LogLevel.Warning => $"\u001b[33m{text}{Reset}",
        LogLevel.Error or LogLevel.Critical => $"\u001b[31m{text}{Reset}",
        LogLevel.Trace or LogLevel.Debug => $"\u001b[2m{text}{Reset}",
        _ => text,
    };

    /// <summary>Nothing in a message is a command to the terminal.</summary>
    private static string Printable(string text, bool keepsLines) => string.Concat(text.Select(
        character => char.IsControl(character) && !(keepsLines && character == '\n') ? ' ' : character));
}
