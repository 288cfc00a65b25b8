using CapiRegistryHook.Content.Registries;

namespace CapiRegistryHook.Delivery.Targets;

/// <summary>One replica of a registry. It frees its connections.</summary>
public sealed class RegistryReplica : IDisposable
{
    private readonly HttpMessageHandler _handler;
    private readonly Func<CancellationToken, Task<Stream>>? _connect;

    /// <summary>A replica; nothing is sent yet.</summary>
    /// <param name="name">What it is called in messages.</param>
    /// <param name="address">Scheme, host and port; the host is the name that TLS verifies.</param>
    /// <param name="trustPem">The authorities that verify it; null for those of the machine.</param>
    /// <param name="options">How it is called.</param>
    /// <param name="connect">Opens the stream below TLS; null for a direct connection.</param>
    /// <exception cref="Content.References.ContentException">The PEM holds no certificate, or the address is not one of a
    /// registry.</exception>
    public RegistryReplica(
        string name, Uri address, string? trustPem, RegistryOptions options, Func<CancellationToken, Task<Stream>>? connect = null)
        : this(name, address, RegistryTransport.Create(trustPem, connect is null ? null
            : (_, cancellationToken) => new ValueTask<Stream>(connect(cancellationToken))), options) => _connect = connect;

    /// <summary>A replica behind a handler, which it disposes.</summary>
    internal RegistryReplica(string name, Uri address, HttpMessageHandler handler, RegistryOptions options)
    {
        Name = name;
        _handler = handler;
        Client = new RegistryClient(handler, address, options);
    }

    /// <summary>What it is called in messages: a pod, or a host.</summary>
    public string Name { get; }

    /// <summary>Its distribution API.</summary>
    public RegistryClient Client { get; }

    /// <summary>Opens a connection to its port, below TLS.</summary>
    /// <exception cref="InvalidOperationException">It is not reached through a tunnel.</exception>
    public Task<Stream> OpenPortAsync(CancellationToken cancellationToken) => _connect is null
        ? throw new InvalidOperationException("Only a replica in a cluster is reached through a tunnel.")
        : _connect(cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        Client.Dispose();
        _handler.Dispose();
        RegistryTransport.FreeTrust(_handler);
    }
}
