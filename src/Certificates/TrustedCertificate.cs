namespace CapiRegistryHook.Certificates;

/// <summary>One certificate of a trust bundle.</summary>
/// <param name="Thumbprint">SHA-256 of the certificate in lower-case hex, which is its identity.</param>
/// <param name="Subject">The subject's distinguished name.</param>
/// <param name="NotBefore">The first second at which it is valid.</param>
/// <param name="NotAfter">The last second at which it is valid.</param>
public sealed record TrustedCertificate(string Thumbprint, string Subject, DateTimeOffset NotBefore, DateTimeOffset NotAfter);
