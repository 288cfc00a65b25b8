namespace CapiRegistryHook.Certificates;

/// <summary>
/// Reads certificates from PEM within limits on bytes and count. Blocks with other labels and surrounding text are skipped.
/// </summary>
internal static class PemReader
{
    /// <summary>The certificates in the order of the text, at least one.</summary>
    public static IReadOnlyList<Certificate> ReadChain(ReadOnlySpan<byte> pem)
    {
        var chain = Read(pem, PemLimits.ChainBytes, PemLimits.ChainCertificates);
        return chain.Count > 0 ? chain : throw new CertificateException(CertificateFault.Unreadable);
    }

    /// <summary>The certificates in the order of the text; none only when the text is empty or blank.</summary>
    public static IReadOnlyList<Certificate> ReadBundle(ReadOnlySpan<byte> pem)
    {
        var bundle = Read(pem, PemLimits.BundleBytes, PemLimits.BundleCertificates);
        return bundle.Count > 0 || IsBlank(pem) ? bundle : throw new CertificateException(CertificateFault.Unreadable);
    }

    public static bool IsBlank(ReadOnlySpan<byte> pem) => pem.IndexOfAnyExcept(" \t\r\n"u8) < 0;

    private static List<Certificate> Read(ReadOnlySpan<byte> pem, int mostBytes, int mostCertificates)
    {
        if (pem.Length > mostBytes) throw new CertificateException(CertificateFault.TooLarge);
        try
        {
            return ReadBlocks(pem, mostCertificates);
        }
        catch (FormatException)
        {
            throw new CertificateException(CertificateFault.Unreadable);
        }
    }

    private static List<Certificate> ReadBlocks(ReadOnlySpan<byte> pem, int mostCertificates)
    {
        var certificates = new List<Certificate>();
        var blocks = new PemBlocks(pem);
        while (blocks.MoveNext())
        {
            if (!blocks.Label.SequenceEqual("CERTIFICATE"u8)) continue;
            if (certificates.Count == mostCertificates) throw new CertificateException(CertificateFault.TooMany);
            certificates.Add(Certificate.Read(blocks.Decode()));
        }

        return certificates;
    }
}
