namespace CapiRegistryHook.Kubernetes.Forwarding;

/// <summary>
/// A connection to a port of a pod in the form of one protocol. One receiver and one sender at a time. Its faults are
/// <see cref="IOException"/>s, and those of what lies below it.
/// </summary>
internal interface IPortConnection : IDisposable
{
    /// <summary>Bytes that each message begins with, which the connection fills in.</summary>
    int HeadSize { get; }

    /// <summary>Sends one message.</summary>
    /// <param name="message">Room for the head, and the data.</param>
    Task SendAsync(Memory<byte> message);

    /// <summary>Tells the other side that this was all.</summary>
    Task FinishAsync();

    /// <summary>Receives a piece of data.</summary>
    /// <returns>The data, which may be none and is valid until the next call; null when the other side has ended.</returns>
    Task<ReadOnlyMemory<byte>?> ReceiveAsync(CancellationToken cancellationToken);
}
