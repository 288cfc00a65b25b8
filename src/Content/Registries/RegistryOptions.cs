using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Registries;

/// <summary>How a registry is called.</summary>
public sealed record RegistryOptions
{
    /// <summary>Logins of the caller; none by default.</summary>
    public IRegistryLogins? Logins { get; init; }

    /// <summary>The name by which a login is looked up; the address's host and port by default. <c>docker.io</c> for Docker Hub.</summary>
    public string? LoginName { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How long a registry may take to begin its answer, and how long a body may make no progress. One minute by
    /// default.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How often calls are tried again.</summary>
    public RetryPolicy Retry { get; init; } = RetryPolicy.Default;

    /// <summary>
    /// Bytes of one upload request, which are also what is resent after a reset, and what one upload holds in memory. 1 KiB to 256 MiB; 8
    /// MiB by default.
    /// </summary>
    public int ChunkSize { get; init; } = 8 << 20;
}
