namespace CapiRegistryHook.Certificates;

/// <summary>What a new root certificate should be.</summary>
/// <param name="CommonName">The subject's common name, 1 to 64 characters without control characters (X.520's upper bound).</param>
/// <param name="Algorithm">The kind of key to make.</param>
/// <param name="Lifetime">How long from now it is valid, at least one second. An end past the year 9999 is cut to it.</param>
public sealed record RootRequest(string CommonName, KeyAlgorithm Algorithm, TimeSpan Lifetime);
