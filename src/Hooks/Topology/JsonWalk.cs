using System.Text.Json;
using CapiRegistryHook.Hooks.Contract;

namespace CapiRegistryHook.Hooks.Topology;

/// <summary>
/// Small steps over a JSON text, forward only. A field that is read and comes twice is refused: readers differ in which one they
/// take, and Cluster API never sends one.
/// </summary>
internal static class JsonWalk
{
    public static readonly JsonReaderOptions Options = new() { MaxDepth = HookRequest.DeepestNesting };

    /// <summary>Moves to the next property of the current object, with the reader on its name; false at the object's end.</summary>
    public static bool NextProperty(ref Utf8JsonReader reader) => reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    /// <summary>Moves to the next item of the current array; false at the array's end.</summary>
    public static bool NextItem(ref Utf8JsonReader reader) => reader.Read() && reader.TokenType != JsonTokenType.EndArray;

    /// <summary>Moves from a property's name over its value.</summary>
    public static void SkipValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }

    /// <summary>Moves from a property's name over its value, and says where the value lies.</summary>
    public static JsonSpan SpanOfValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        return SpanOfCurrent(ref reader);
    }

    /// <summary>Moves over the current value, and says where it lies.</summary>
    public static JsonSpan SpanOfCurrent(ref Utf8JsonReader reader)
    {
        var start = checked((int)reader.TokenStartIndex);
        var type = reader.TokenType;
        reader.Skip();
        return new JsonSpan(type, start, checked((int)reader.BytesConsumed) - start);
    }

    /// <summary>Moves from a property's name over its value: the text, or null when it is not a string.</summary>
    public static string? TextOfValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
            return reader.GetString();
        reader.Skip();
        return null;
    }

    /// <summary>Remembers that a field was seen.</summary>
    /// <exception cref="HookRequestException">It was seen before.</exception>
    public static void See(ref int seen, int flag, string field)
    {
        if ((seen & flag) != 0)
            throw new HookRequestException($"The body holds the field {field} twice in one object.");
        seen |= flag;
    }
}

/// <summary>Where a value lies in the body.</summary>
/// <param name="Type">Its first token; None when there is no value.</param>
/// <param name="Start">Its first byte.</param>
/// <param name="Length">Its length in bytes.</param>
internal readonly record struct JsonSpan(JsonTokenType Type, int Start, int Length)
{
    public bool IsAbsent => Type is JsonTokenType.None or JsonTokenType.Null;

    public ReadOnlySpan<byte> In(ReadOnlySpan<byte> body) => body.Slice(Start, Length);

    public ReadOnlyMemory<byte> In(ReadOnlyMemory<byte> body) => body.Slice(Start, Length);
}
