namespace CapiRegistryHook.Registry.Trust;

/// <summary>Why a root is to get a successor.</summary>
internal static class RotationTrigger
{
    /// <summary>Null when there is no reason.</summary>
    public static string? Why(RootSecret current, DateTimeOffset now)
    {
        if (current.IsCompromised)
            return "The key of the root CA is compromised.";
        if (current.Annotation(RootAnnotations.RotateRoot) is { } request && request != current.Annotation(RootAnnotations.RotatedFor))
            return "A rotation of the root CA was asked for.";
        return now >= current.Authority.RotationTime ? "Half of the life of the root CA is over." : null;
    }

    /// <summary>Why this service must not rotate a root, with the remedy; null when it may.</summary>
    public static string? Obstacle(RootSecret current)
    {
        if (current.Annotation(RootAnnotations.CertManager) is not null)
            return "It is written by cert-manager; set the root source to External, then it is followed.";
        return current.Authority.IsRoot
            ? null
            : "It is an intermediate CA; replace it where it was made and set the root source to External, then it is followed.";
    }
}
