using System.Text;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>Where the next page of a list starts: after this key, as of this revision (-1: of now).</summary>
internal sealed record ContinueToken(long Revision, string After)
{
    public string Encode() => Convert.ToBase64String(Encoding.UTF8.GetBytes(
        new JsonObject { ["v"] = "meta.k8s.io/v1", ["rv"] = Revision, ["start"] = After + "\0" }.ToJsonString()))
        .TrimEnd('=').Replace('+', '-').Replace('/', '_');

    public static ContinueToken Decode(string text)
    {
        try
        {
            var padded = text.Replace('-', '+').Replace('_', '/') + new string('=', (4 - (text.Length % 4)) % 4);
            var json = JsonNode.Parse(Convert.FromBase64String(padded))!;
            return new ContinueToken((long)json["rv"]!, ((string)json["start"]!).TrimEnd('\0'));
        }
        catch (Exception error)
            when (error is FormatException or System.Text.Json.JsonException or InvalidOperationException or ArgumentException)
        {
            throw ApiError.BadRequest("continue key is not valid");
        }
    }
}
