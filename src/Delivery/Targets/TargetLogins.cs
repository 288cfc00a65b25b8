using CapiRegistryHook.Content.Registries;

namespace CapiRegistryHook.Delivery.Targets;

/// <summary>The login that is meant for the registry that is delivered to; without one, those that people have.</summary>
/// <param name="given">The login; null for none.</param>
/// <param name="known">Where other logins come from.</param>
public sealed class TargetLogins(Login? given, IRegistryLogins known) : IRegistryLogins
{
    /// <summary>Whether there is a login that wins over all others.</summary>
    public bool HasGiven => given is not null;

    /// <inheritdoc/>
    public Task<Login?> FindAsync(string registry, CancellationToken cancellationToken) =>
        given is not null ? Task.FromResult<Login?>(given) : known.FindAsync(registry, cancellationToken);
}

/// <summary>No logins.</summary>
public sealed class NoLogins : IRegistryLogins
{
    /// <inheritdoc/>
    public Task<Login?> FindAsync(string registry, CancellationToken cancellationToken) => Task.FromResult<Login?>(null);
}
