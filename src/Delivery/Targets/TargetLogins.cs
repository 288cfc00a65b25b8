using CapiRegistryHook.Content.Registries;

namespace CapiRegistryHook.Delivery.Targets;

/// <summary>The login that was given on the command line for the registry that is delivered to; without one, those that people
/// have.</summary>
/// <param name="given">The login; null for none.</param>
/// <param name="known">Where other logins come from.</param>
public sealed class TargetLogins(Login? given, IRegistryLogins known) : IRegistryLogins
{
    /// <inheritdoc/>
    public Task<Login?> FindAsync(string registry, CancellationToken cancellationToken) =>
        given is not null ? Task.FromResult<Login?>(given) : known.FindAsync(registry, cancellationToken);
}
