using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace CapiRegistryHook.Registry.Text;

/// <summary>Writes JSON data as YAML. Strings are always quoted, so that no reader takes "1e3" or "no" for something else.</summary>
public static class YamlText
{
    private const string Brackets = "{{";
    private const string PrintedBrackets = "{{ \"{{\" }}";

    /// <summary>One YAML document in block style, ended by a line break.</summary>
    public static string Write(JsonNode data)
    {
        using var text = new StringWriter { NewLine = "\n" };
        var emitter = new Emitter(text, new EmitterSettings().WithBestWidth(int.MaxValue));
        emitter.Emit(new StreamStart());
        emitter.Emit(new DocumentStart(null, null, isImplicit: true));
        Emit(emitter, data);
        emitter.Emit(new DocumentEnd(isImplicit: true));
        emitter.Emit(new StreamEnd());
        return text.ToString();
    }

    /// <summary>
    /// The same YAML for a reader that first runs it through Go's text/template, as the add-on provider for Helm does:
    /// every "{{" becomes an action that prints "{{".
    /// </summary>
    public static string WriteTemplate(JsonNode data) =>
        Write(data).Replace(Brackets, PrintedBrackets, StringComparison.Ordinal);

    /// <summary>The YAML that <see cref="WriteTemplate"/> made a template of.</summary>
    public static string FromTemplate(string template) => template.Replace(PrintedBrackets, Brackets, StringComparison.Ordinal);

    private static void Emit(Emitter emitter, JsonNode? node)
    {
        switch (node)
        {
            case JsonObject map:
                emitter.Emit(new MappingStart(null, null, true, map.Count == 0 ? MappingStyle.Flow : MappingStyle.Block));
                foreach (var (key, value) in map)
                {
                    emitter.Emit(new Scalar(key));
                    Emit(emitter, value);
                }

                emitter.Emit(new MappingEnd());
                break;
            case JsonArray list:
                emitter.Emit(new SequenceStart(null, null, true, list.Count == 0 ? SequenceStyle.Flow : SequenceStyle.Block));
                foreach (var item in list)
                    Emit(emitter, item);
                emitter.Emit(new SequenceEnd());
                break;
            default:
                emitter.Emit(ToScalar(node));
                break;
        }
    }

    private static Scalar ToScalar(JsonNode? node)
    {
        if (node?.GetValueKind() != JsonValueKind.String)
            return new Scalar(null, null, node?.ToJsonString() ?? "null", ScalarStyle.Plain, true, false);
        var value = node.GetValue<string>();
        var style = value.Contains('\n', StringComparison.Ordinal) && value.EndsWith('\n') ? ScalarStyle.Literal : ScalarStyle.DoubleQuoted;
        return new Scalar(null, null, value, style, false, true);
    }
}
