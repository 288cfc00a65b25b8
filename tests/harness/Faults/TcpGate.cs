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
    private readonly LoopbackListener _listener;
    private readonly IPEndPoint _behind;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile GateState _state;

    /// <param name="behind">Where bytes go.</param>
    public TcpGate(IPEndPoint behind)
    {
        _behind = behind;
        _listener = new LoopbackListener(CarryAsync);
    }

    /// <summary>Where it listens.</summary>
    public int Port => _listener.Port;

    /// <summary>Changes what it does, also with connections that are open: those are cut, or fall silent where they are.</summary>
    public void Turn(GateState state)
    {
        _state = state;
        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    private async Task CarryAsync(TcpClient front, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested && await CarryWhileAsync(front, _state, cancellationToken))
        {
        }
    }

    /// <summary>True when the connection goes on in the next state.</summary>
    private async Task<bool> CarryWhileAsync(TcpClient front, GateState state, CancellationToken cancellationToken)
    {
        var changed = _changed.Task;
        switch (state)
        {
            case GateState.Reset:
                front.LingerState = new LingerOption(true, 0);
                return false;
            case GateState.Silent:
                // For good: a peer that forgot a connection never answers on it again, also when it answers on others.
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return false;
            default:
                using (var back = new TcpClient())
                {
                    await back.ConnectAsync(_behind, cancellationToken);
                    await Task.WhenAny(PumpAsync(front, back, cancellationToken), PumpAsync(back, front, cancellationToken), changed);
                }

                return _state == GateState.Silent;
        }
    }

    private static async Task PumpAsync(TcpClient from, TcpClient to, CancellationToken cancellationToken)
    {
        try
        {
            await from.GetStream().CopyToAsync(to.GetStream(), cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException
            or ObjectDisposedException or InvalidOperationException)
        {
            // The other direction, or a change of state, has ended the connection.
        }
    }
}
