using System.Text.Json;
using System.Text.Unicode;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Hooks.Contract;

/// <summary>A lifecycle request, read by its body alone: Cluster API sends no Content-Type.</summary>
internal sealed record HookRequest(Cluster Cluster, string? ToKubernetesVersion)
{
    /// <summary>Deeper bodies are refused before anything is built of them. Real requests stay below 20 levels.</summary>
    public const int DeepestNesting = 64;

    /// <summary>Reads the body of a request for the given hook.</summary>
    /// <exception cref="HookRequestException">The body is not what the contract says.</exception>
    public static HookRequest Read(string hook, ReadOnlyMemory<byte> body)
    {
        using var document = ParseObject(body);
        var root = document.RootElement;
        Require(root, "apiVersion", HookGroup.ApiVersion);
        Require(root, "kind", hook + "Request");
        if (!root.TryGetProperty("cluster", out var cluster) || cluster.ValueKind != JsonValueKind.Object)
            throw new HookRequestException("The request has no field cluster that is an object.");
        try
        {
            var version = Text(root, "toKubernetesVersion");
            if (version?.Length > Cluster.LongestText)
                throw new HookRequestException($"The field toKubernetesVersion has more than {Cluster.LongestText} characters.");
            return new HookRequest(Cluster.Read(cluster), version);
        }
        catch (ClusterFormatException exception)
        {
            throw new HookRequestException(exception.Message, exception);
        }
    }

    /// <summary>Checks that a body is a request for the given hook, where nothing else in it matters.</summary>
    /// <exception cref="HookRequestException">It is not.</exception>
    public static void RequireKind(string hook, ReadOnlyMemory<byte> body)
    {
        using var document = ParseObject(body);
        Require(document.RootElement, "apiVersion", HookGroup.ApiVersion);
        Require(document.RootElement, "kind", hook + "Request");
    }

    /// <summary>Checks that JSON text holds Unicode alone; what parses it leaves that to whoever takes a string out.</summary>
    /// <exception cref="HookRequestException">It does not.</exception>
    public static void RequireUnicode(ReadOnlySpan<byte> json)
    {
        if (!IsUnicode(json))
            throw new HookRequestException("The body contains text that is not valid Unicode.");
    }

    /// <summary>Checks a field that says what a request is.</summary>
    /// <exception cref="HookRequestException">It has another value.</exception>
    public static void Require(string field, string? actual, string value)
    {
        if (actual != value)
            throw new HookRequestException($"The field {field} must be \"{value}\".");
    }

    /// <summary>Parses a body that must be a JSON object.</summary>
    /// <exception cref="HookRequestException">It is not, is nested too deeply, or holds text that is not Unicode.</exception>
    public static JsonDocument ParseObject(ReadOnlyMemory<byte> body)
    {
        var document = Parse(body);
        if (document.RootElement.ValueKind == JsonValueKind.Object)
            return document;
        document.Dispose();
        throw new HookRequestException("The body must be a JSON object.");
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = DeepestNesting });
            if (IsUnicode(body.Span))
                return document;
            document.Dispose();
            throw new HookRequestException("The body contains text that is not valid Unicode.");
        }
        catch (JsonException exception)
        {
            throw new HookRequestException($"The body is not valid JSON, or nested deeper than {DeepestNesting} levels.", exception);
        }
    }

    /// <summary>The parser leaves both to whoever takes a string out, who would then have to expect a fault at every field.</summary>
    private static bool IsUnicode(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json))
            return false;
        // Only the escapes of surrogates can be wrong; all others, which Go writes for "<" and "&" too, are fine.
        if (json.IndexOf("\\ud"u8) < 0 && json.IndexOf("\\uD"u8) < 0)
            return true;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DeepestNesting });
        try
        {
            while (reader.Read())
            {
                if (reader.ValueIsEscaped)
                    reader.GetString();
            }

            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static void Require(JsonElement root, string field, string value) => Require(field, Text(root, field), value);

    private static string? Text(JsonElement root, string field) =>
        root.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

/// <summary>A request that breaks the contract; answered with the message, which is a fixed sentence.</summary>
public sealed class HookRequestException(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>The HTTP status that answers such a request.</summary>
    public int StatusCode { get; init; } = StatusCodes.Status400BadRequest;
}
