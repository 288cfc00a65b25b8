using System.Net;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>How the service listens.</summary>
public sealed record ListenOptions
{
    /// <summary>Address and port; port 0 takes a free one, which the log names.</summary>
    public IPEndPoint Endpoint { get; init; } = new(IPAddress.IPv6Any, 9443);

    /// <summary>Address and port for metrics and health without TLS; null for none.</summary>
    public IPEndPoint? Metrics { get; init; } = new(IPAddress.IPv6Any, 8080);

    /// <summary>The serving certificate, leaf first, as PEM.</summary>
    public required string CertificateFile { get; init; }

    /// <summary>Its private key as PEM.</summary>
    public required string KeyFile { get; init; }

    /// <summary>The authority that callers of the hooks must have a certificate of, as PEM; null asks for none.</summary>
    public string? ClientCaFile { get; init; }

    /// <summary>The names that may call the hooks; empty for everybody with a certificate of that authority.</summary>
    public IReadOnlySet<string> ClientNames { get; init; } = new HashSet<string>();

    /// <summary>How long the process goes on answering after it was told to stop; 0 to 60 s.</summary>
    public TimeSpan DrainDelay { get; init; } = TimeSpan.FromSeconds(5);
}
