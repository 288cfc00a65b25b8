using System.Security.Cryptography;
using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.ServerCertificates;

/// <summary>
/// What is known of a cluster's server certificate without asking the workload cluster. It lies in annotations of the HelmChartProxy,
/// written together with the values that carry the serial number, so that both are always of one certificate.
/// </summary>
/// <param name="Serial">Serial number in lower-case hex.</param>
/// <param name="Issuer">The first 16 hex digits of the SHA-256 of its root.</param>
/// <param name="NotBefore">Its first second.</param>
/// <param name="NotAfter">Its last second.</param>
/// <param name="Request">A digest of the names and the algorithm that were asked for.</param>
internal sealed record CertificateRecord(string Serial, string Issuer, DateTimeOffset NotBefore, DateTimeOffset NotAfter, string Request)
{
    /// <summary>The user's latest request for a renewal that this certificate fulfils; null when there was none.</summary>
    public string? RequestedBy { get; init; }

    /// <summary>The serial number that was last seen served by all pods; null when none was.</summary>
    public string? Served { get; init; }

    /// <summary>A digest of the trust bundle that lies beside the certificate.</summary>
    public string? Trust { get; init; }

    /// <summary>Whether what was issued last is what was seen served.</summary>
    public bool IsServed => Served == Serial;

    private const string Prefix = "capi-registry-hook.io/certificate-";
    private const string SerialKey = Prefix + "serial";
    private const string IssuerKey = RootAnnotations.CertificateIssuer;
    private const string NotBeforeKey = Prefix + "not-before";
    private const string NotAfterKey = Prefix + "not-after";
    private const string RequestKey = Prefix + "request";
    private const string RequestedByKey = Prefix + "requested-by";
    private const string ServedKey = Prefix + "served";
    private const string TrustKey = Prefix + "trust";
    private const int DigestLength = 16;
    private const string Unknown = "unknown";

    /// <summary>The certificate that an authority has just issued, or still stands by.</summary>
    public static CertificateRecord Of(WantedCertificate wanted, string serial, DateTimeOffset notBefore, DateTimeOffset notAfter) =>
        new(serial, IssuerOf(wanted.Authority), notBefore, notAfter, DigestOf(wanted.Request)) { RequestedBy = wanted.RenewalRequest,
            Trust = DigestOf(wanted.TrustBytes) };

    /// <summary>Null when the annotations do not say all of it.</summary>
    public static CertificateRecord? Read(IReadOnlyDictionary<string, string>? annotations) =>
        annotations is not null
        && annotations.TryGetValue(SerialKey, out var serial) && annotations.TryGetValue(IssuerKey, out var issuer)
        && annotations.TryGetValue(RequestKey, out var request)
        && TryReadTime(annotations, NotBeforeKey, out var notBefore) && TryReadTime(annotations, NotAfterKey, out var notAfter)
            ? new CertificateRecord(serial, issuer, notBefore, notAfter, request)
            {
                RequestedBy = annotations.GetValueOrDefault(RequestedByKey),
                Served = annotations.GetValueOrDefault(ServedKey),
                Trust = annotations.GetValueOrDefault(TrustKey),
            }
            : null;

    /// <summary>The annotations that say it.</summary>
    public Dictionary<string, string> ToAnnotations()
    {
        var annotations = new Dictionary<string, string>
        {
            [SerialKey] = Serial,
            [IssuerKey] = Issuer,
            [NotBeforeKey] = Format(NotBefore),
            [NotAfterKey] = Format(NotAfter),
            [RequestKey] = Request,
        };
        foreach (var (key, value) in new[] { (RequestedByKey, RequestedBy), (ServedKey, Served), (TrustKey, Trust) })
        {
            if (value is not null)
                annotations[key] = value;
        }

        return annotations;
    }

    /// <summary>How an authority's root is named here.</summary>
    public static string IssuerOf(CertificateAuthority authority) => RootId.Of(authority);

    /// <summary>How the root of a certificate is named that somebody issued who may not sign now.</summary>
    public static string IssuerOf(Secret certificate, TrustBundle trusted) =>
        trusted.IssuerOf(certificate.Value(SecretKeys.Certificate).Span) is { } root ? RootId.Of(root.Thumbprint) : Unknown;

    /// <summary>The same names and algorithm give the same digest, whoever computes it.</summary>
    public static string DigestOf(ServerCertificateRequest request) => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes($"{CertificateAlgorithms.Word(request.Algorithm)}\n{request.Names}")));

    /// <summary>The same bundle gives the same digest.</summary>
    public static string DigestOf(byte[] trust) => Convert.ToHexStringLower(SHA256.HashData(trust))[..DigestLength];

    private static string Format(DateTimeOffset moment) => KubernetesTime.Format(moment);

    private static bool TryReadTime(IReadOnlyDictionary<string, string> annotations, string key, out DateTimeOffset moment)
    {
        moment = default;
        return annotations.TryGetValue(key, out var text)
            && KubernetesTime.TryParse(text, out moment);
    }
}
