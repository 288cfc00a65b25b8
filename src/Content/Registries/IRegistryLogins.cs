namespace CapiRegistryHook.Content.Registries;

/// <summary>Where logins come from.</summary>
public interface IRegistryLogins
{
    /// <summary>The login for a registry; null when there is none.</summary>
    /// <param name="registry">Host and, where it is part of the name, port; <c>docker.io</c> for Docker Hub.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    Task<Login?> FindAsync(string registry, CancellationToken cancellationToken);
}

/// <summary>What a registry knows the caller by. Never printed.</summary>
/// <param name="Username">The user; empty with an identity token.</param>
/// <param name="Password">The password; empty with an identity token.</param>
/// <param name="IdentityToken">A token that is exchanged for others; null for a password.</param>
public sealed record Login(string Username, string Password, string? IdentityToken = null)
{
    /// <inheritdoc/>
    public override string ToString() => "(a login)";
}
