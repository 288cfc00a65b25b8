using System.Text.Json;

namespace CapiRegistryHook.Hooks.Topology;

/// <summary>Follows a kind's path through a template, in one pass, down to the lists of files and commands.</summary>
internal static class NodeListsReader
{
    public const string Files = "files";

    public const string Commands = "preKubeadmCommands";

    /// <summary>Moves from the name of the path's first step over its value.</summary>
    public static NodeLists Read(ref Utf8JsonReader reader, IReadOnlyList<string> path)
    {
        var lists = default(NodeLists);
        ReadStep(ref reader, path, 0, 0, ref lists);
        return lists;
    }

    /// <summary>The same for a value that was passed over before it was known what it belongs to.</summary>
    public static NodeLists Read(JsonSpan value, IReadOnlyList<string> path, ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(value.In(body), JsonWalk.Options);
        var lists = default(NodeLists);
        ReadStep(ref reader, path, 0, value.Start, ref lists);
        return lists;
    }

    private static void ReadStep(ref Utf8JsonReader reader, IReadOnlyList<string> path, int step, int offset, ref NodeLists lists)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            lists = lists with { PresentSteps = step, Broken = reader.TokenType == JsonTokenType.Null ? null : path[step] };
            reader.Skip();
            return;
        }

        lists = lists with { PresentSteps = step + 1 };
        if (step + 1 == path.Count)
            ReadLists(ref reader, offset, ref lists);
        else
            ReadNextStep(ref reader, path, step, offset, ref lists);
    }

    private static void ReadNextStep(ref Utf8JsonReader reader, IReadOnlyList<string> path, int step, int offset, ref NodeLists lists)
    {
        var seen = 0;
        while (JsonWalk.NextProperty(ref reader))
        {
            if (!reader.ValueTextEquals(path[step + 1]))
            {
                JsonWalk.SkipValue(ref reader);
                continue;
            }

            JsonWalk.See(ref seen, 1, path[step + 1]);
            ReadStep(ref reader, path, step + 1, offset, ref lists);
        }
    }

    private static void ReadLists(ref Utf8JsonReader reader, int offset, ref NodeLists lists)
    {
        var seen = 0;
        while (JsonWalk.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals(Files))
            {
                JsonWalk.See(ref seen, 1, Files);
                var files = ReadList(ref reader, offset, Files, ref lists);
                lists = lists with { Files = files };
            }
            else if (reader.ValueTextEquals(Commands))
            {
                JsonWalk.See(ref seen, 2, Commands);
                var commands = ReadList(ref reader, offset, Commands, ref lists);
                lists = lists with { Commands = commands };
            }
            else
            {
                JsonWalk.SkipValue(ref reader);
            }
        }
    }

    private static JsonSpan ReadList(ref Utf8JsonReader reader, int offset, string name, ref NodeLists lists)
    {
        var span = JsonWalk.SpanOfValue(ref reader);
        if (!span.IsAbsent && span.Type != JsonTokenType.StartArray)
            lists = lists with { Broken = name };
        return span with { Start = span.Start + offset };
    }
}
