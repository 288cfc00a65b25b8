using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace CapiRegistryHook.Harness;

/// <summary>
/// Finds ports for servers that can't be told to pick one themselves. They lie below the range that the kernel hands out to clients
/// (32768 and up), so that the port of a server that was stopped stays free until it is started again.
/// </summary>
public static class LoopbackPort
{
    private const int First = 20000;
    private const int Last = 32000;
    private const int Attempts = 100;

    /// <summary>A port that was free on 127.0.0.1 a moment ago; another process may still be faster.</summary>
    public static int Find()
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var port = RandomNumberGenerator.GetInt32(First, Last);
            if (IsFree(port))
                return port;
        }

        throw new InvalidOperationException($"No free port between {First} and {Last} on 127.0.0.1.");
    }

    private static bool IsFree(int port)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return false;
        }
    }
}
