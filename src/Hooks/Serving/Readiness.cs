using System.Text;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// Says whether Cluster API should be sent here. Faults of API servers do not count: all replicas would leave the Service
/// at once, and Cluster API could not even run a discovery.
/// </summary>
internal sealed class Readiness(ListenerCertificate certificate)
{
    private volatile bool _draining;

    /// <summary>True once the process has been told to stop.</summary>
    public bool IsDraining => _draining;

    /// <summary>From now on callers are asked to go elsewhere.</summary>
    public void Drain() => _draining = true;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/healthz", AnswerLiveAsync);
        routes.MapGet("/readyz", AnswerReadyAsync);
    }

    public static Task AnswerLiveAsync(HttpContext http) => WriteAsync(http, null);

    public Task AnswerReadyAsync(HttpContext http) => WriteAsync(http, Obstacle);

    private string? Obstacle => _draining ? "draining" : certificate.IsValid ? null : "the serving certificate is not valid now";

    private static Task WriteAsync(HttpContext http, string? obstacle)
    {
        http.Response.StatusCode = obstacle is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        http.Response.ContentType = "text/plain";
        return http.Response.Body.WriteAsync(Encoding.ASCII.GetBytes((obstacle ?? "ok") + "\n"), http.RequestAborted).AsTask();
    }
}
