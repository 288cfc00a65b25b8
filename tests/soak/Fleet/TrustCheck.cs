using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>
/// Judges what a server shows as a client does that trusts a CA file: by the platform's chain engine, which shares no code with the
/// product's issuing.
/// </summary>
internal static class TrustCheck
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    /// <summary>Until when the client accepts the chain, as far as the path found now goes; null when it does not.</summary>
    /// <param name="chainPem">What the server sends, its own certificate first.</param>
    /// <param name="trustPem">The client's CA file.</param>
    /// <param name="now">The client's clock.</param>
    public static DateTimeOffset? ValidUntil(string chainPem, string trustPem, DateTimeOffset now)
    {
        var shown = new X509Certificate2Collection();
        shown.ImportFromPem(chainPem);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        chain.ChainPolicy.CustomTrustStore.ImportFromPem(trustPem);
        chain.ChainPolicy.ExtraStore.AddRange(shown);
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        try
        {
            return chain.Build(shown[0]) ? chain.ChainElements.Min(
                element => new DateTimeOffset(element.Certificate.NotAfter.ToUniversalTime(), TimeSpan.Zero)) : null;
        }
        finally
        {
            foreach (var certificate in shown.Concat(chain.ChainPolicy.CustomTrustStore)
                .Concat(chain.ChainElements.Select(element => element.Certificate)))
                certificate.Dispose();
        }
    }

    /// <summary>Names a certificate's key: the SHA-256 of its public key.</summary>
    public static string KeyOf(string chainPem)
    {
        using var certificate = X509Certificate2.CreateFromPem(chainPem);
        return Convert.ToHexString(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));
    }

    public static string SerialOf(string chainPem)
    {
        using var certificate = X509Certificate2.CreateFromPem(chainPem);
        var serial = certificate.SerialNumber.ToLowerInvariant();
        return serial.StartsWith("00", StringComparison.Ordinal) ? serial[2..] : serial;
    }
}
