using CapiRegistryHook.Registry.Authorities;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>Decides whether a root is rotated.</summary>
internal static class RotationTrigger
{
    /// <summary>Why the root is due for rotation; null when it is not.</summary>
    public static string? Reason(AuthoritySecret current, TimeProvider time)
    {
        if (current.IsCompromised)
            return "The key of the root CA is compromised.";
        if (current.IsRotationRequested)
            return "A rotation of the root CA was requested.";
        return current.IsRotationDue(time) ? "Half of the lifetime of the root CA has passed." : null;
    }

    /// <summary>Why this service must not rotate the root, with the remedy; null when it may.</summary>
    public static string? Obstacle(AuthoritySecret current)
    {
        if (current.Annotation(RootAnnotations.CertManager) is not null)
            return "cert-manager manages it; set the root source to External, and clusters follow cert-manager's rotations.";
        return current.Authority.IsRoot
            ? null
            : "It is an intermediate CA; set the root source to External and replace it where it was issued, and clusters follow.";
    }
}
