using System.Net;
using System.Net.Sockets;

namespace CapiRegistryHook.Harness.Faults;

/// <summary>What a <see cref="TcpGate"/> does with connections.</summary>
public enum GateState
{
    /// <summary>Passes bytes on in both directions.</summary>
    Open,

    /// <summary>Takes connections and bytes, answers nothing and passes nothing on: a peer that vanished without a word.</summary>
    Silent,

    /// <summary>Resets every connection.</summary>
    Reset,
}

/// <summary>
/// A listener on 127.0.0.1 in front of another one. It knows nothing of what it carries, so that it can break in ways that a server
/// can't.
/// </summary>
public sealed class TcpGate : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly IPEndPoint _behind;
    private readonly Task _accepting;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile GateState _state;

    /// <param name="behind">Where bytes go.</param>
    public TcpGate(IPEndPoint behind)
    {
        _behind = behind;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Changes what it does, also with connections that are open: those are cut, or fall silent where they are.</summary>
    public void Turn(GateState state)
    {
        _state = state;
        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = CarryAsync(await _listener.AcceptTcpClientAsync(_end.Token));
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Disposed.
        }
    }

    private async Task CarryAsync(TcpClient front)
    {
        using (front)
        {
            try
            {
                while (!_end.IsCancellationRequested && await CarryWhileAsync(front, _state))
                {
                }
            }
            catch (Exception exception)
                when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // One side is gone.
            }
        }
    }

    /// <summary>True when the connection goes on in the next state.</summary>
    private async Task<bool> CarryWhileAsync(TcpClient front, GateState state)
    {
        var changed = _changed.Task;
        switch (state)
        {
            case GateState.Reset:
                front.LingerState = new LingerOption(true, 0);
                return false;
            case GateState.Silent:
                // For good: a peer that forgot a connection never answers on it again, also when it answers on others.
                await Task.Delay(Timeout.Infinite, _end.Token);
                return false;
            default:
                using (var back = new TcpClient())
                {
                    await back.ConnectAsync(_behind, _end.Token);
                    await Task.WhenAny(PumpAsync(front, back), PumpAsync(back, front), changed);
                }

                return _state == GateState.Silent;
        }
    }

    private async Task PumpAsync(TcpClient from, TcpClient to)
    {
        try
        {
            await from.GetStream().CopyToAsync(to.GetStream(), _end.Token);
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException
            or ObjectDisposedException or InvalidOperationException)
        {
            // The other direction, or a change of state, has ended the connection.
        }
    }
}
