using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>Binds the addresses, and names the option whose address can't be had.</summary>
internal static class ListenSockets
{
    public static void AddListenSockets(this IServiceCollection services, ListenOptions options) =>
        services.Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = endpoint => Bind(options, endpoint));

    private static Socket Bind(ListenOptions options, EndPoint endpoint)
    {
        try
        {
            return SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        }
        catch (SocketException exception)
        {
            var option = endpoint.Equals(options.Endpoint) ? "--listen" : "--metrics-listen";
            var why = exception.SocketErrorCode == SocketError.AddressAlreadyInUse
                ? "is in use" : $"can't be listened on: {exception.SocketErrorCode}";
            throw new ListenException($"{option} has the value {endpoint}, which {why}.", exception);
        }
    }
}

/// <summary>An address can't be listened on; the message names the option.</summary>
internal sealed class ListenException(string message, Exception cause) : Exception(message, cause);
