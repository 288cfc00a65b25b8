using System.Net;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>
/// The way to an API server of a process that may be killed at each write: before the request is sent, or before its answer is read.
/// </summary>
/// <param name="inner">The real way.</param>
/// <param name="kills">Whether this write is the last thing that happens, and whether it happens; null lets it pass.</param>
internal sealed class LossyHandler(HttpMessageHandler inner, Func<bool?> kills) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Method == HttpMethod.Get || kills() is not { } isDone)
            return await base.SendAsync(request, cancellationToken);
        if (isDone)
            using (await base.SendAsync(request, cancellationToken))
            {
            }

        return new HttpResponseMessage(HttpStatusCode.Gone) { Content = new StringContent("{}") };
    }
}
