using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using YamlDotNet.Core;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>Reads a request's body, capped as kube-apiserver caps it, as JSON or YAML.</summary>
internal static class RequestBody
{
    private const int Limit = 3 * 1024 * 1024;

    public static async Task<byte[]> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        using var buffer = new MemoryStream();
        var chunk = new byte[16 * 1024];
        int read;
        while ((read = await request.Body.ReadAsync(chunk, cancellationToken)) > 0)
        {
            if (buffer.Length + read > Limit) throw ApiError.TooLarge(Limit);
            buffer.Write(chunk, 0, read);
        }

        return buffer.ToArray();
    }

    public static JsonNode? Parse(byte[] body, bool yaml)
    {
        if (body.Length == 0) return null;
        try
        {
            return yaml ? YamlJson.Read(new StringReader(Encoding.UTF8.GetString(body))) : JsonNode.Parse(body);
        }
        catch (JsonException)
        {
            throw ApiError.BadRequest("couldn't get version/kind; json parse error");
        }
        catch (Exception error) when (error is YamlException or FormatException or ArgumentException)
        {
            throw ApiError.BadRequest("error decoding YAML");
        }
    }
}
