using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CapiRegistryHook.Cli.Options;

namespace CapiRegistryHook.Cli.Output;

/// <summary>The option <c>-o</c> of commands whose result is also for programs, and the writing of that result.</summary>
internal static class OutputFormat
{
    private const string Table = "table";
    /// <summary>The value that asks for JSON.</summary>
    public const string Json = "json";
    public static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Option<string> Option() => new("--output", "-o")
    {
        Description = "Format: table, or json for programs.",
        DefaultValueFactory = _ => Table,
    };

    /// <summary>The value that asks for a page in one file.</summary>
    public const string Html = "html";

    /// <summary>The same option for a command that also writes a page.</summary>
    public static Option<string> OptionWithHtml() => new("--output", "-o")
    {
        Description = "Format: table, json for programs, or html for a page in one file.",
        DefaultValueFactory = _ => Table,
    };

    /// <summary>Whether JSON was asked for; another value than the two is a problem.</summary>
    public static bool IsJson(OptionReader reader, string value)
    {
        if (value is not (Table or Json))
            reader.Refuse("output", $"has the value \"{value}\"; use table or json.");
        return value == Json;
    }

    /// <summary>One JSON object, indented, with a line break after it.</summary>
    /// <param name="content">Writes what is between the object's braces.</param>
    public static string WriteJson(Action<Utf8JsonWriter> content)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Indented))
        {
            json.WriteStartObject();
            content(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    /// <summary>Writes a list of texts.</summary>
    public static void WriteTexts(this Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
            json.WriteStringValue(text);
        json.WriteEndArray();
    }
}
