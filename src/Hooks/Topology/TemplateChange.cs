using System.Text.Json;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Hooks.Topology;

/// <summary>What a template lacks of a plan. What it holds already, in any order, stays as it is.</summary>
/// <param name="Template">The template.</param>
/// <param name="Files">The files that are not in it.</param>
/// <param name="Commands">The commands that are not in it.</param>
internal sealed record TemplateChange(NodeTemplate Template, IReadOnlyList<NodeFile> Files, IReadOnlyList<string> Commands)
{
    public bool IsEmpty => Files.Count == 0 && Commands.Count == 0;

    /// <summary>
    /// Compares a template with a plan. A file that is there with another content is a problem: two can't lie at one path.
    /// </summary>
    public static TemplateChange Find(NodeTemplate template, NodePlan nodes, ReadOnlyMemory<byte> body, ICollection<Problem> problems)
    {
        if (template.Lists.Broken is { } broken)
        {
            problems.Add(new Problem(broken, $"The field {broken} in the {Describe(template)} has the wrong type; correct the template."));
            return new TemplateChange(template, [], []);
        }

        var files = nodes.Files;
        if (!template.Lists.Files.IsAbsent)
            files = LackingFiles(template, files, body, problems);
        var commands = nodes.Commands;
        if (!template.Lists.Commands.IsAbsent)
            commands = LackingCommands(template.Lists.Commands, commands, body.Span);
        return new TemplateChange(template, files, commands);
    }

    private static IReadOnlyList<NodeFile> LackingFiles(
        NodeTemplate template, IReadOnlyList<NodeFile> files, ReadOnlyMemory<byte> body, ICollection<Problem> problems)
    {
        List<NodeFile>? lacking = null;
        var reader = new Utf8JsonReader(template.Lists.Files.In(body.Span), JsonWalk.Options);
        reader.Read();
        while (JsonWalk.NextItem(ref reader))
        {
            var start = (int)reader.TokenStartIndex;
            if (FindByPath(ref reader, files) is not { } file)
                continue;
            lacking ??= [.. files];
            lacking.Remove(file);
            if (!NodeFileJson.IsSame(file, template.Lists.Files.In(body)[start..(int)reader.BytesConsumed]))
                problems.Add(Conflict(template, file));
        }

        return lacking ?? files;
    }

    /// <summary>Moves over a file of the template; the planned file of the same path, or null.</summary>
    private static NodeFile? FindByPath(ref Utf8JsonReader reader, IReadOnlyList<NodeFile> files)
    {
        NodeFile? found = null;
        var seen = 0;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        while (JsonWalk.NextProperty(ref reader))
        {
            if (!reader.ValueTextEquals("path"u8))
            {
                JsonWalk.SkipValue(ref reader);
                continue;
            }

            JsonWalk.See(ref seen, 1, "path");
            reader.Read();
            if (reader.TokenType == JsonTokenType.String)
                found = FindByText(ref reader, files);
            reader.Skip();
        }

        return found;
    }

    private static NodeFile? FindByText(ref Utf8JsonReader reader, IReadOnlyList<NodeFile> files)
    {
        foreach (var file in files)
        {
            if (reader.ValueTextEquals(file.Path))
                return file;
        }

        return null;
    }

    private static IReadOnlyList<string> LackingCommands(JsonSpan list, IReadOnlyList<string> commands, ReadOnlySpan<byte> body)
    {
        List<string>? lacking = null;
        var reader = new Utf8JsonReader(list.In(body), JsonWalk.Options);
        reader.Read();
        while (JsonWalk.NextItem(ref reader))
        {
            foreach (var command in commands)
            {
                if (reader.TokenType == JsonTokenType.String && reader.ValueTextEquals(command))
                    (lacking ??= [.. commands]).Remove(command);
            }

            reader.Skip();
        }

        return lacking ?? commands;
    }

    private static Problem Conflict(NodeTemplate template, NodeFile file) => new(
        file.Path,
        $"The {Describe(template)} has a file {file.Path} of its own, which nodes need for the registry; take it out of the template "
            + "or the patch that adds it, or set mirror.mode of the variable to perUpstream or off.");

    /// <summary>Nodes of such a template would be created without trust and mirror.</summary>
    public static Problem UnknownVersion(NodeTemplate template) => new(
        "apiVersion",
        $"The {Describe(template)} has the apiVersion {FieldText.Quote(template.UnknownVersion)}, and this service knows "
            + $"{TemplateKind.KnownVersions} only: its nodes would not use the registry; upgrade this service before the ClusterClass uses "
            + "that version, or set mirror.mode of the variable to off.");

    private static string Describe(NodeTemplate template) => $"{template.Kind.Name} {FieldText.Quote(template.Name)}";
}
