using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using CapiRegistryHook.Registry.Chart;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// Serves the registry chart as a read-only OCI registry (OCI distribution specification 1.1, pull only), so that a
/// HelmChartProxy finds the chart of exactly its version without any other repository. GET and HEAD of one repository with
/// a tag per version; there is nothing else to find here and nothing to write to.
/// </summary>
internal static class ChartEndpoint
{
    /// <summary>The folder of the repository: <c>oci://host/charts</c> with the chart's name behind it.</summary>
    private const string Folder = "charts";

    private static readonly string[] Reading = [HttpMethods.Get, HttpMethods.Head];

    public static void MapChart(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods(
            "/v2/", Reading, http => AnswerAsync(http, new OciContent("application/json", "{}"u8.ToArray()), asContent: false));
        routes.MapMethods("/v2/{**path}", Reading, AnswerAsync);
        routes.Map(
            "/v2/{**path}", http => RefuseAsync(http, StatusCodes.Status405MethodNotAllowed, "UNSUPPORTED", "This registry is read-only."));
    }

    private static Task AnswerAsync(HttpContext http)
    {
        var charts = ServedCharts.Ours;
        var repository = $"{Folder}/{charts.Name}/";
        var path = (string?)http.Request.RouteValues["path"] ?? "";
        if (!path.StartsWith(repository, StringComparison.Ordinal))
            return RefuseAsync(
                http, StatusCodes.Status404NotFound, "NAME_UNKNOWN", $"This registry has one repository, {Folder}/{charts.Name}.");

        return path[repository.Length..].Split('/') switch
        {
            ["tags", "list"] => AnswerAsync(http, Tags(http.Request, charts), asContent: false),
            ["manifests", var reference] =>
                AnswerAsync(http, charts.FindManifest(reference), "MANIFEST_UNKNOWN",
                    "The repository has no such manifest; tags/list lists the tags."),
            ["blobs", var digest] =>
                AnswerAsync(http, charts.FindBlob(digest), "BLOB_UNKNOWN", "The repository has no blob of this digest."),
            _ => RefuseAsync(http, StatusCodes.Status404NotFound, "UNSUPPORTED", "This registry serves tags/list, manifests and blobs."),
        };
    }

    private static Task AnswerAsync(HttpContext http, OciContent? content, string code, string sentence) =>
        content is null ? RefuseAsync(http, StatusCodes.Status404NotFound, code, sentence) : AnswerAsync(http, content, asContent: true);

    private static Task AnswerAsync(HttpContext http, OciContent content, bool asContent)
    {
        var headers = http.Response.Headers;
        headers["Docker-Distribution-Api-Version"] = "registry/2.0";
        if (asContent)
        {
            headers["Docker-Content-Digest"] = content.Digest;
            headers.ETag = $"\"{content.Digest}\"";
        }

        http.Response.ContentType = content.MediaType;
        http.Response.ContentLength = content.Bytes.Length;
        return HttpMethods.IsHead(http.Request.Method)
            ? Task.CompletedTask : http.Response.Body.WriteAsync(content.Bytes, http.RequestAborted).AsTask();
    }

    /// <summary>Lists the tags, by the rules for paging: <c>n</c> at most, after <c>last</c>.</summary>
    private static OciContent Tags(HttpRequest request, ServedCharts charts)
    {
        int? most = int.TryParse(request.Query["n"].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : null;
        return ToJson(writer =>
        {
            writer.WriteString("name", $"{Folder}/{charts.Name}");
            writer.WriteStartArray("tags");
            foreach (var tag in charts.Tags(request.Query["last"].ToString(), most))
                writer.WriteStringValue(tag);
            writer.WriteEndArray();
        });
    }

    private static Task RefuseAsync(HttpContext http, int status, string code, string sentence)
    {
        http.Response.StatusCode = status;
        if (status == StatusCodes.Status405MethodNotAllowed)
            http.Response.Headers.Allow = "GET, HEAD";
        return AnswerAsync(http, ToJson(writer =>
        {
            writer.WriteStartArray("errors");
            writer.WriteStartObject();
            writer.WriteString("code", code);
            writer.WriteString("message", sentence);
            writer.WriteEndObject();
            writer.WriteEndArray();
        }), asContent: false);
    }

    private static OciContent ToJson(Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return new OciContent("application/json", bytes.ToArray());
    }
}
