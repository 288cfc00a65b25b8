using System.Text.Json;
using CapiRegistryHook.Hooks.Contract;

namespace CapiRegistryHook.Hooks.Topology;

/// <summary>
/// Writes changes as JSON patches (RFC 6902) that only add: behind what is in a list already, and the list or the objects around
/// it where they are not there.
/// </summary>
internal sealed class PatchWriter : IDisposable
{
    private static readonly JsonWriterOptions Options = new() { Encoder = NodeFileJson.Encoder };

    private readonly PooledBytes _patches = new();
    private readonly List<(string Uid, TemplateChange Change, Range Range)> _written = [];

    /// <summary>The patches in the order of the request.</summary>
    public int Count => _written.Count;

    public string UidOf(int index) => _written[index].Uid;

    public ReadOnlySpan<byte> PatchOf(int index) => _patches.Written.Span[_written[index].Range];

    /// <summary>Adds the patch of a change; templates of one shape that lack the same share one text.</summary>
    public void Add(TemplateChange change)
    {
        var index = _written.FindIndex(other => IsAlike(other.Change, change));
        _written.Add((change.Template.Uid, change, index >= 0 ? _written[index].Range : Write(change)));
    }

    public void Dispose() => _patches.Dispose();

    private static bool IsAlike(TemplateChange one, TemplateChange other) =>
        ReferenceEquals(one.Files, other.Files) && ReferenceEquals(one.Commands, other.Commands)
        && ReferenceEquals(one.Template.Kind, other.Template.Kind)
        && one.Template.Lists.PresentSteps == other.Template.Lists.PresentSteps
        && one.Template.Lists.Files.IsAbsent == other.Template.Lists.Files.IsAbsent
        && one.Template.Lists.Commands.IsAbsent == other.Template.Lists.Commands.IsAbsent;

    private Range Write(TemplateChange change)
    {
        var start = _patches.Written.Length;
        using (var writer = new Utf8JsonWriter(_patches, Options))
        {
            writer.WriteStartArray();
            if (change.Template.Lists.PresentSteps < change.Template.Kind.Path.Count)
                WriteHolder(writer, change);
            else
                WriteLists(writer, change);
            writer.WriteEndArray();
        }

        return start.._patches.Written.Length;
    }

    private static void WriteHolder(Utf8JsonWriter writer, TemplateChange change)
    {
        var path = change.Template.Kind.Path;
        var present = change.Template.Lists.PresentSteps;
        StartAdd(writer, $"/{string.Join('/', path.Take(present + 1))}");
        writer.WriteStartObject();
        foreach (var step in path.Skip(present + 1))
            writer.WriteStartObject(step);
        WriteFiles(writer, change, NodeListsReader.Files);
        if (change.Commands.Count > 0)
            WriteCommands(writer, change, NodeListsReader.Commands);
        for (var step = present; step < path.Count; step++)
            writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteLists(Utf8JsonWriter writer, TemplateChange change)
    {
        var holder = $"/{string.Join('/', change.Template.Kind.Path)}";
        WriteList(writer, $"{holder}/{NodeListsReader.Files}", change.Template.Lists.Files.IsAbsent, change.Files, NodeFileJson.Write);
        WriteList(writer, $"{holder}/{NodeListsReader.Commands}", change.Template.Lists.Commands.IsAbsent, change.Commands,
            static (writer, command) => writer.WriteStringValue(command));
    }

    private static void WriteList<T>(
        Utf8JsonWriter writer, string path, bool isAbsent, IReadOnlyList<T> items, Action<Utf8JsonWriter, T> write)
    {
        if (items.Count == 0)
            return;
        if (isAbsent)
        {
            StartAdd(writer, path);
            writer.WriteStartArray();
            foreach (var item in items)
                write(writer, item);
            writer.WriteEndArray();
            writer.WriteEndObject();
            return;
        }

        foreach (var item in items)
        {
            StartAdd(writer, path + "/-");
            write(writer, item);
            writer.WriteEndObject();
        }
    }

    private static void WriteFiles(Utf8JsonWriter writer, TemplateChange change, string name)
    {
        writer.WriteStartArray(name);
        foreach (var file in change.Files)
            NodeFileJson.Write(writer, file);
        writer.WriteEndArray();
    }

    private static void WriteCommands(Utf8JsonWriter writer, TemplateChange change, string name)
    {
        writer.WriteStartArray(name);
        foreach (var command in change.Commands)
            writer.WriteStringValue(command);
        writer.WriteEndArray();
    }

    /// <summary>Starts an operation up to its value; the caller writes that and ends the object.</summary>
    private static void StartAdd(Utf8JsonWriter writer, string path)
    {
        writer.WriteStartObject();
        writer.WriteString("op", "add");
        writer.WriteString("path", path);
        writer.WritePropertyName("value");
    }
}
