using System.Net;
using System.Net.Sockets;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Delivery.Forwarding;

/// <summary>
/// A port of this machine that leads to the primary of a cluster's registry. Each connection gets a stream of its own through the API
/// server, so that one that breaks ends alone and the next one is made anew. TLS goes through it untouched.
/// </summary>
public sealed class RegistryForward : IDisposable
{
    /// <summary>More than clients open; the API server and the kubelet bear it easily.</summary>
    private const int MostConnections = 128;

    private const int BufferSize = 64 * 1024;

    private readonly RegistryReplica _replica;
    private readonly TcpListener _listener;
    private readonly Action<string> _onFailure;
    private readonly SemaphoreSlim _places = new(MostConnections);

    private RegistryForward(RegistryReplica replica, TcpListener listener, Action<string> onFailure) =>
        (_replica, _listener, _onFailure) = (replica, listener, onFailure);

    /// <summary>The port of 127.0.0.1 that it listens on.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Listens on 127.0.0.1; connections wait until <see cref="RunAsync"/>.</summary>
    /// <param name="target">The registry; it has to live longer.</param>
    /// <param name="port">1 to 65535, or 0 for any that is free.</param>
    /// <param name="onFailure">Told of each connection that can't be made, as one line.</param>
    /// <exception cref="DeliveryException">The port is taken.</exception>
    public static RegistryForward Listen(RegistryTarget target, int port, Action<string> onFailure)
    {
        var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return new RegistryForward(target.Primary, listener, onFailure);
        }
        catch (SocketException exception)
        {
            listener.Dispose();
            throw new DeliveryException($"Port {port} of 127.0.0.1 can't be listened on: {exception.Message}. Choose another with --port.",
                exception);
        }
    }

    /// <summary>Leads connections until it is cancelled, and ends them all then.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await _places.WaitAsync(cancellationToken);
                var client = await _listener.AcceptSocketAsync(cancellationToken);
                _ = ServeAsync(client, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // All places are free when the last connection has ended.
            for (var place = 0; place < MostConnections - 1; place++)
                await _places.WaitAsync(CancellationToken.None);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _listener.Dispose();
        _places.Dispose();
    }

    private async Task ServeAsync(Socket client, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            client.NoDelay = true;
            await using var near = new NetworkStream(client, ownsSocket: true);
            await using var far = await _replica.OpenPortAsync(end.Token);
            // Whichever side ends first ends the connection: TLS has said goodbye inside by then.
            await Task.WhenAny(near.CopyToAsync(far, BufferSize, end.Token), far.CopyToAsync(near, BufferSize, end.Token)).Unwrap();
        }
        catch (OperationCanceledException)
        {
            // The forward ends.
        }
        catch (Exception exception) when (Fault.Is(exception))
        {
            _onFailure(Fault.Describe(exception));
        }
        finally
        {
            await end.CancelAsync();
            _places.Release();
        }
    }
}
