using System.Net.WebSockets;
using CapiRegistryHook.Kubernetes.Client;

namespace CapiRegistryHook.Kubernetes.Forwarding;

/// <summary>Opens streams to ports of pods.</summary>
internal static class PodPort
{
    public static async Task<Stream> OpenAsync(ApiTransport transport, ApiRequest request, CancellationToken cancellationToken)
    {
        var response = await transport.OpenAsync(request, cancellationToken);
        try
        {
            if (!WebSocketUpgrade.IsGranted(response, request.WebSocketKey!))
                throw new KubernetesApiException(
                    KubernetesFault.BadResponse, request.Resource, "the server does not forward ports over WebSockets");
            var connection = await response.Content.ReadAsStreamAsync(cancellationToken);
            // No pings: a connection lives for seconds here, and its user has a limit of its own.
            var socket = WebSocket.CreateFromStream(connection, new WebSocketCreationOptions
            {
                SubProtocol = WebSocketUpgrade.Protocol,
                KeepAliveInterval = TimeSpan.Zero,
            });
            return new PodPortStream(socket, response);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }
}
