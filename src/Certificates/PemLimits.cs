namespace CapiRegistryHook.Certificates;

/// <summary>
/// Limits on what is parsed. A Secret may contain 1 MiB of anything, and parsing is the expensive part, so the size is checked before the
/// first byte is parsed and certificates are counted as they are found.
/// </summary>
public static class PemLimits
{
    /// <summary>Largest private key, in bytes of PEM. RSA with 8192 bits, the largest key that is accepted, takes about 6.4 KiB.</summary>
    public const int KeyBytes = 16 * 1024;

    /// <summary>
    /// Largest certificate chain, in bytes of PEM. Older Go TLS clients refuse a handshake message above 64 KiB, so a larger
    /// chain could not be served to all clients.
    /// </summary>
    public const int ChainBytes = 64 * 1024;

    /// <summary>Most certificates in a chain. OpenSSL and Go stop at 100 signatures; real chains have two to four certificates.</summary>
    public const int ChainCertificates = 10;

    /// <summary>Most cross-certificates of an authority: with a leaf and two intermediates they make a chain of ten.</summary>
    public const int CrossCertificates = 7;

    /// <summary>
    /// Largest trust bundle, in bytes of PEM. The public bundle of Mozilla is about 220 KiB; a Kubernetes Secret ends at 1 MiB.
    /// </summary>
    public const int BundleBytes = 512 * 1024;

    /// <summary>Most certificates in a trust bundle. The public bundle of Mozilla has about 150.</summary>
    public const int BundleCertificates = 200;
}
