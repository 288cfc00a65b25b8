using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Hooks.Handlers;

/// <summary>Answers a GeneratePatches request out of a file, and prints the patches for people.</summary>
public static class PatchPreview
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>True when the text is the JSON of such a request.</summary>
    public static bool IsRequest(string text)
    {
        if (!text.AsSpan().TrimStart().StartsWith('{'))
            return false;
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = HookRequest.DeepestNesting });
            return document.RootElement.TryGetProperty("kind", out var kind) && kind.ValueEquals("GeneratePatchesRequest"u8);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Another kind of file; whoever reads it next says what is wrong with it.
            return false;
        }
    }

    /// <summary>Prints each patch under the name of its template. Returns why there are none, when the answer is a failure.</summary>
    /// <exception cref="HookRequestException">The request breaks the contract.</exception>
    public static string? Print(string text, RegistryOptions options, NodeFormat format, TextWriter output)
    {
        var body = Encoding.UTF8.GetBytes(text);
        using var response = new PooledBytes();
        var answer = new GeneratePatchesHandler(options, format).Answer(body, response);
        if (!answer.IsSuccess)
            return answer.Message;

        using var request = JsonDocument.Parse(body);
        using var answered = JsonDocument.Parse(response.Written);
        var names = request.RootElement.TryGetProperty("items", out var items) && items.ValueKind == JsonValueKind.Array
            ? items.EnumerateArray().Select(Describe).ToLookup(item => item.Uid, item => item.Template)
            : null;
        var patches = answered.RootElement.GetProperty("items").EnumerateArray().ToList();
        output.Write($"# Cluster {answer.Cluster}: {patches.Count} of {names?.Count ?? 0} templates get a patch\n");
        foreach (var patch in patches)
        {
            var uid = patch.GetProperty("uid").GetString()!;
            output.Write($"---\n# {FieldText.Sentence($"{names![uid].First()} ({uid})")}\n");
            output.Write($"{Pretty(patch.GetProperty("patch").GetBytesFromBase64())}\n");
        }

        return null;
    }

    private static (string Uid, string Template) Describe(JsonElement item) =>
        (Text(item, "uid"), item.TryGetProperty("object", out var template) ? $"{Text(template, "kind")} {Name(template)}" : "");

    private static string Name(JsonElement template) => template.TryGetProperty("metadata", out var metadata) ? Text(metadata, "name") : "";

    private static string Text(JsonElement parent, string field) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()! : "";

    private static string Pretty(byte[] json)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Indented))
        using (var document = JsonDocument.Parse(json))
            document.WriteTo(writer);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
