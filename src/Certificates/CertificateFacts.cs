namespace CapiRegistryHook.Certificates;

/// <summary>The public facts of a certificate, for plans, logs and status.</summary>
/// <param name="SerialNumber">The serial number in lower-case hex, as openssl prints it, without colons.</param>
/// <param name="Subject">The subject's distinguished name.</param>
/// <param name="Issuer">The issuer's distinguished name.</param>
/// <param name="NotBefore">The first second at which it is valid.</param>
/// <param name="NotAfter">The last second at which it is valid.</param>
/// <param name="Names">Its DNS names and IP addresses unchecked, so they need not pass the rules of
/// <see cref="ServerNames.Create"/>; none for a root.</param>
public sealed record CertificateFacts(
    string SerialNumber, string Subject, string Issuer, DateTimeOffset NotBefore, DateTimeOffset NotAfter, ServerNames Names)
{
    /// <summary>Reads the first certificate of a chain.</summary>
    /// <exception cref="CertificateException">
    /// <see cref="CertificateFault.Unreadable"/>, <see cref="CertificateFault.TooLarge"/> or <see cref="CertificateFault.TooMany"/>.
    /// </exception>
    public static CertificateFacts Read(ReadOnlySpan<byte> certificatePem) =>
        Of(PemReader.ReadChain(certificatePem)[0]);

    /// <summary>Reads all certificates of a chain, in its order.</summary>
    /// <exception cref="CertificateException">
    /// <see cref="CertificateFault.Unreadable"/>, <see cref="CertificateFault.TooLarge"/> or <see cref="CertificateFault.TooMany"/>.
    /// </exception>
    public static IReadOnlyList<CertificateFacts> ReadChain(ReadOnlySpan<byte> chainPem) => [.. PemReader.ReadChain(chainPem).Select(Of)];

    private static CertificateFacts Of(Certificate certificate) => new(
        certificate.SerialNumber, certificate.Subject, certificate.Issuer, certificate.NotBefore, certificate.NotAfter,
        certificate.Extensions.Names);
}
