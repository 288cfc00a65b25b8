using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>An answer before it is written. A watch has a stream instead of a body.</summary>
internal sealed record ApiResponse(int StatusCode, byte[] Body)
{
    public string ContentType { get; init; } = "application/json";

    public TimeSpan? RetryAfter { get; init; }

    public Func<HttpContext, Task>? Stream { get; init; }

    public static ApiResponse Json(int statusCode, JsonNode body) => new(statusCode, ApiJson.Bytes(body));

    public static ApiResponse Text(int statusCode, string body) =>
        new(statusCode, System.Text.Encoding.UTF8.GetBytes(body)) { ContentType = "text/plain; charset=utf-8" };

    public static ApiResponse Error(ApiError error) => Json(error.Code, error.ToStatus());

    public async Task WriteAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCode;
        context.Response.ContentType = ContentType;
        if (RetryAfter is { } delay)
            context.Response.Headers.RetryAfter = Math.Ceiling(delay.TotalSeconds)
                .ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (Stream is not null)
        {
            await Stream(context);
            return;
        }

        context.Response.ContentLength = Body.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) await context.Response.Body.WriteAsync(Body, context.RequestAborted);
    }
}
