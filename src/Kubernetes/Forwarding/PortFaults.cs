using System.Net.WebSockets;

namespace CapiRegistryHook.Kubernetes.Forwarding;

/// <summary>What goes wrong with a connection to a port of a pod.</summary>
internal static class PortFaults
{
    public static IOException OfProtocol() => new("The server does not speak the port-forward protocol.");

    // The node's own words name addresses; by far the likeliest cause is that nobody listens.
    public static IOException OfPod() => new("The pod refused the connection or closed it.");

    public static IOException Broken(Exception? cause = null) => new("The connection to the pod broke.", cause);

    public static bool IsBroken(Exception exception) =>
        exception is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException;

    /// <summary>Waits for what a connection receives, and says in one way that it broke.</summary>
    public static async Task<T> ReceivedAsync<T>(Task<T> received, CancellationToken cancellationToken)
    {
        try
        {
            return await received;
        }
        catch (Exception exception) when (IsBroken(exception) && !cancellationToken.IsCancellationRequested)
        {
            throw Broken(exception);
        }
    }

    public static IOException Silent(TimeSpan limit, Exception cause) =>
        new($"The connection to the pod broke: nothing arrived for {limit.TotalSeconds:F0} s.", cause);
}
