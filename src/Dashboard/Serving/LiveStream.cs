using System.Text;
using CapiRegistryHook.Dashboard.Reading;

namespace CapiRegistryHook.Dashboard.Serving;

/// <summary>
/// Server-sent events: one for each read of the fleet. They carry no more than when that was; the page asks for the rest.
/// </summary>
internal static class LiveStream
{
    public static async Task WriteAsync(HttpContext http, FleetFeed feed, CancellationToken cancellationToken)
    {
        http.Response.ContentType = "text/event-stream";
        await http.Response.Body.FlushAsync(cancellationToken);
        await foreach (var signal in feed.SignalsAsync(cancellationToken))
        {
            await http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes($"data: {signal}\n\n"), cancellationToken);
            await http.Response.Body.FlushAsync(cancellationToken);
        }
    }
}
