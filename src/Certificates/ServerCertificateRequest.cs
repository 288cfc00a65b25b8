namespace CapiRegistryHook.Certificates;

/// <summary>What a new server certificate should be.</summary>
/// <param name="CommonName">The subject's common name, 1 to 64 characters without control characters (X.520's upper bound). Clients match
/// <paramref name="Names"/> and ignore it.</param>
/// <param name="Names">The names and addresses it is valid for, exactly these; at least one.</param>
/// <param name="Algorithm">The kind of key to make.</param>
/// <param name="Lifetime">How long from now it is valid, at least one second. It is cut to the end of the issuer.</param>
public sealed record ServerCertificateRequest(string CommonName, ServerNames Names, KeyAlgorithm Algorithm, TimeSpan Lifetime);
