using System.Net.WebSockets;
using CapiRegistryHook.Kubernetes.Client;

namespace CapiRegistryHook.Kubernetes.Forwarding;

/// <summary>Opens streams to ports of pods.</summary>
internal static class PodPort
{
    public static async Task<Stream> OpenAsync(
        ApiTransport transport, ApiRequest request, KubernetesClientOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var response = await transport.OpenAsync(request, cancellationToken);
        try
        {
            if (!WebSocketUpgrade.IsGranted(response, request.WebSocketKey!))
                throw new KubernetesApiException(
                    KubernetesFault.BadResponse, request.Resource, "the server does not forward ports over WebSockets");
            var connection = await response.Content.ReadAsStreamAsync(cancellationToken);
            var socket = WebSocket.CreateFromStream(connection, new WebSocketCreationOptions
            {
                SubProtocol = WebSocketUpgrade.Protocol,
                KeepAliveInterval = options.ForwardPingInterval,
                KeepAliveTimeout = options.ForwardPongTimeout ?? Timeout.InfiniteTimeSpan,
            });
            return new PodPortStream(socket, response, time);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }
}
