using System.Net.WebSockets;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Kubernetes.Forwarding;

/// <summary>
/// Opens streams to ports of pods. SPDY costs a node a third of what WebSockets do; where something on the way does not let it pass,
/// WebSockets are used.
/// </summary>
internal sealed class PodPort(ApiTransport transport, KubernetesClientOptions options, TimeProvider time)
{
    private volatile bool _needsWebSockets;

    public async Task<Stream> OpenAsync(NamespacedName pod, int port, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
        try
        {
            if (!_needsWebSockets)
                return new PodPortStream(await OpenSpdyAsync(pod, port, cancellationToken), time);
        }
        catch (KubernetesApiException exception) when (MayBeTheProtocol(exception.Fault))
        {
            // A refusal that is meant for the pod, or for the caller, comes again and is reported then.
        }

        var stream = new PodPortStream(await OpenWebSocketAsync(pod, port, cancellationToken), time);
        _needsWebSockets = true;
        return stream;
    }

    private static bool MayBeTheProtocol(KubernetesFault fault) => fault is not (KubernetesFault.Unauthorized
        or KubernetesFault.Timeout or KubernetesFault.Unreachable or KubernetesFault.UntrustedServer or KubernetesFault.TooManyRequests);

    private Task<IPortConnection> OpenSpdyAsync(NamespacedName pod, int port, CancellationToken cancellationToken) =>
        OpenAsync(CallFactory.Forward(pod), SpdyUpgrade.IsGranted, async (connection, response) =>
        {
            var opened = new SpdyPort(connection, response, options, time);
            await opened.OpenAsync(port, cancellationToken);
            return opened;
        }, cancellationToken);

    private Task<IPortConnection> OpenWebSocketAsync(NamespacedName pod, int port, CancellationToken cancellationToken)
    {
        var key = WebSocketUpgrade.NewKey();
        return OpenAsync(CallFactory.ForwardInWebSocket(pod, port, key), response => WebSocketUpgrade.IsGranted(response, key),
            (connection, response) => Task.FromResult<IPortConnection>(new WebSocketPort(WebSocket.CreateFromStream(connection,
                new WebSocketCreationOptions
                {
                    SubProtocol = WebSocketUpgrade.Protocol, KeepAliveInterval = options.ForwardPingInterval,
                }), response)), cancellationToken);
    }

    private async Task<IPortConnection> OpenAsync(ApiRequest request, Func<HttpResponseMessage, bool> isGranted,
        Func<Stream, HttpResponseMessage, Task<IPortConnection>> open, CancellationToken cancellationToken)
    {
        var response = await transport.OpenAsync(request, cancellationToken);
        try
        {
            if (!isGranted(response))
                throw new KubernetesApiException(KubernetesFault.BadResponse, request.Resource, "the server does not forward ports");
            return await open(await response.Content.ReadAsStreamAsync(cancellationToken), response);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }
}
