using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace CapiRegistryHook.Hooks.Operations;

/// <summary>Writes each log entry as one line with one JSON object: fixed fields first, then those of the message by their names.</summary>
internal sealed class JsonLogFormatter(TimeProvider time) : ConsoleFormatter(nameof(LogFormat.Json))
{
    /// <summary>A stack of a fault that nests others; what is longer is cut.</summary>
    private const int LongestText = 16 * 1024;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("time", time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", null));
            json.WriteString("level", LevelOf(logEntry.LogLevel));
            json.WriteString("message", Cut(logEntry.Formatter(logEntry.State, logEntry.Exception)));
            json.WriteString("logger", logEntry.Category);
            WriteFields(json, LogFields.Of(logEntry.State, scopeProvider));
            if (logEntry.Exception is { } exception)
                json.WriteString("exception", Cut(exception.ToString()));
            json.WriteEndObject();
        }

        textWriter.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    /// <summary>As most loggers of Kubernetes write them.</summary>
    public static string LevelOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "error",
        _ => "fatal",
    };

    /// <summary>A name comes once in an object; a message that has one of the fixed ones keeps its value in the text.</summary>
    private static void WriteFields(Utf8JsonWriter json, IEnumerable<KeyValuePair<string, object?>> fields)
    {
        HashSet<string> written = ["time", "level", "message", "logger", "exception"];
        foreach (var (key, value) in fields)
        {
            var name = JsonNamingPolicy.CamelCase.ConvertName(key);
            if (!written.Add(name))
                continue;
            json.WritePropertyName(name);
            WriteValue(json, value);
        }
    }

    private static void WriteValue(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case byte or short or int or long or ushort or uint:
                json.WriteNumberValue(Convert.ToInt64(value, null));
                break;
            case double number when double.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            default:
                json.WriteStringValue(Cut(LogFields.TextOf(value)));
                break;
        }
    }

    private static string Cut(string text) => text.Length <= LongestText ? text : text[..LongestText];
}
