using System.Text.Json;

namespace CapiRegistryHook.Hooks.Topology;

/// <summary>Finds out whether an object is a template that nodes are made from, and where in it their files and commands lie.</summary>
internal static class TemplateReader
{
    /// <summary>Moves from the property's name over the object; null when it is not one of ours.</summary>
    public static NodeTemplate? Read(ref Utf8JsonReader reader, ReadOnlySpan<byte> body)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        TemplateKind? kind = null;
        string? apiVersion = null;
        var name = "";
        var later = default(JsonSpan);
        var lists = default(NodeLists);
        var seen = 0;
        while (JsonWalk.NextProperty(ref reader))
        {
            if (Is(ref reader, "apiVersion"u8, ref seen, 1, "apiVersion"))
                apiVersion = JsonWalk.TextOfValue(ref reader);
            else if (Is(ref reader, "kind"u8, ref seen, 2, "kind"))
                kind = ReadKind(ref reader);
            else if (Is(ref reader, "metadata"u8, ref seen, 4, "metadata"))
                name = ReadName(ref reader);
            else if (!Is(ref reader, "spec"u8, ref seen, 8, "spec"))
                JsonWalk.SkipValue(ref reader);
            else if (kind?.IsApiVersion(apiVersion) == true)
                lists = NodeListsReader.Read(ref reader, kind.Path);
            else
                later = JsonWalk.SpanOfValue(ref reader);
        }

        if (kind?.IsUnknownVersion(apiVersion) == true)
            return new NodeTemplate(kind, name) { UnknownVersion = apiVersion };
        if (kind?.IsApiVersion(apiVersion) != true)
            return null;
        return new NodeTemplate(kind, name) { Lists = later.IsAbsent ? lists : NodeListsReader.Read(later, kind.Path, body) };
    }

    private static TemplateKind? ReadKind(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
            return TemplateKind.Of(ref reader);
        reader.Skip();
        return null;
    }

    /// <summary>The template's name for sentences; a request without one is accepted too.</summary>
    private static string ReadName(ref Utf8JsonReader reader)
    {
        string? name = null;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return "";
        }

        while (JsonWalk.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("name"u8))
                name = JsonWalk.TextOfValue(ref reader);
            else
                JsonWalk.SkipValue(ref reader);
        }

        return name ?? "";
    }

    private static bool Is(ref Utf8JsonReader reader, ReadOnlySpan<byte> name, ref int seen, int flag, string field)
    {
        if (!reader.ValueTextEquals(name))
            return false;
        JsonWalk.See(ref seen, flag, field);
        return true;
    }
}
