using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Org.BouncyCastle.Pkix;
using Org.BouncyCastle.Utilities.Collections;
using Org.BouncyCastle.Utilities.Date;
using Org.BouncyCastle.X509;
using X509Certificate = Org.BouncyCastle.X509.X509Certificate;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>
/// Three judges of "a client with this bundle accepts this chain at this time for this name": the platform, the openssl command,
/// BouncyCastle.
/// </summary>
internal static class PathJudges
{
    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    public static void AssertPlatformAccepts(string chainPem, string trustPem, DateTimeOffset time, string host)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(chainPem);
        using var chain = new X509Chain();
        chain.ChainPolicy = Policy(trustPem, time);
        chain.ChainPolicy.ExtraStore.AddRange(certificates);
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        Assert.True(chain.Build(certificates[0]), string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation)));
        Assert.True(certificates[0].MatchesHostname(host, allowWildcards: true, allowCommonName: false));
        Assert.False(certificates[0].MatchesHostname("somewhere.else", allowWildcards: true, allowCommonName: false));
    }

    public static X509ChainPolicy Policy(string trustPem, DateTimeOffset time)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            VerificationTime = time.UtcDateTime,
        };
        policy.CustomTrustStore.ImportFromPem(trustPem);
        return policy;
    }

    /// <summary>
    /// With -x509_strict, which asks for all that RFC 5280 demands of a CA: critical basic constraints, key usage and key identifiers.
    /// </summary>
    public static void AssertOpenSslAccepts(
        OpenSsl openSsl, string chainPem, string trustPem, DateTimeOffset time, string host, bool strict = true)
    {
        openSsl.Write("chain.pem", chainPem);
        openSsl.Write("trust.pem", trustPem);
        var name = IPAddress.TryParse(host, out _) ? "-verify_ip" : "-verify_hostname";
        var at = time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var output = openSsl.Run(
            $"verify {(strict ? "-x509_strict " : "")}-no-CApath -no-CAstore -CAfile trust.pem -untrusted chain.pem -purpose "
                + $"sslserver {name} {host} -attime {at} chain.pem");
        Assert.Contains("chain.pem: OK", output, StringComparison.Ordinal);
    }

    public static void AssertBouncyCastleAccepts(string chainPem, string trustPem, DateTimeOffset time)
    {
        var chain = ReadWithBouncyCastle(chainPem);
        var anchors = new HashSet();
        foreach (var root in ReadWithBouncyCastle(trustPem)) anchors.Add(new TrustAnchor(root, null));
        var parameters = new PkixParameters(anchors) { IsRevocationEnabled = false, Date = new DateTimeObject(time.UtcDateTime) };
        Assert.NotNull(new PkixCertPathValidator().Validate(new PkixCertPath(chain), parameters));
    }

    public static X509Certificate[] ReadWithBouncyCastle(string pem) =>
        [.. new X509CertificateParser().ReadCertificates(Encoding.ASCII.GetBytes(pem)).Cast<X509Certificate>()];
}
