using System.Net;
using System.Text;

namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>
/// The line between one replica and one API server: it loses calls before and after they are done, brings back errors, and now and then
/// the replica dies just before or just after a write. A dead replica says nothing more.
/// </summary>
internal sealed class SimulatedLine(
    SimulatedChaos chaos, SimulatedReplica replica, Func<bool> isThere, HttpMessageHandler server) : DelegatingHandler(server)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        // Two passes at once take turns here.
        await Task.Yield();
        if (replica.IsDead || !isThere())
            throw Broken(HttpRequestError.ConnectionError);
        var isWrite = request.Method != HttpMethod.Get;
        var event_ = chaos.Next(isWrite);
        switch (event_)
        {
            case ChaosEvent.None:
                return await base.SendAsync(request, cancellationToken);
            case ChaosEvent.LostBefore:
                throw Broken(HttpRequestError.ConnectionError);
            case ChaosEvent.LostAfter:
                (await base.SendAsync(request, cancellationToken)).Dispose();
                throw Broken(HttpRequestError.ResponseEnded);
            case ChaosEvent.DeathBefore:
                replica.Die();
                throw Broken(HttpRequestError.ConnectionError);
            case ChaosEvent.DeathAfter:
                (await base.SendAsync(request, cancellationToken)).Dispose();
                replica.Die();
                throw Broken(HttpRequestError.ResponseEnded);
            default:
                return Error(event_);
        }
    }

    private static HttpRequestException Broken(HttpRequestError error) =>
        new(error, "The line is broken.", new IOException("The line is broken."));

    private static HttpResponseMessage Error(ChaosEvent error)
    {
        var (code, reason) = error switch
        {
            ChaosEvent.Conflict => (HttpStatusCode.Conflict, "Conflict"),
            ChaosEvent.TooMany => (HttpStatusCode.TooManyRequests, "TooManyRequests"),
            ChaosEvent.Unavailable => (HttpStatusCode.ServiceUnavailable, "ServiceUnavailable"),
            _ => (HttpStatusCode.InternalServerError, "InternalError"),
        };
        var status =
            $$"""{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"{{reason}}","code":{{(int)code}},"message":"simulated"}""";
        return new HttpResponseMessage(code) { Content = new StringContent(status, Encoding.UTF8, "application/json") };
    }
}
