using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.ServerCertificates;

/// <summary>
/// What is known of a cluster's server certificate without a call to the workload cluster. It is stored in annotations of the
/// HelmChartProxy, in the same write as the values that carry the serial number, so both always describe the same certificate.
/// </summary>
/// <param name="Serial">Serial number in lower-case hex.</param>
/// <param name="Issuer">The id of its root, see <see cref="RootId"/>.</param>
/// <param name="NotBefore">The first second at which it is valid.</param>
/// <param name="NotAfter">The last second at which it is valid.</param>
/// <param name="Algorithm">The requested key algorithm, as in the options.</param>
/// <param name="Names">A digest of the requested names and addresses.</param>
internal sealed record CertificateRecord(
    string Serial, string Issuer, DateTimeOffset NotBefore, DateTimeOffset NotAfter, string Algorithm, string Names)
{
    /// <summary>The user's latest request for a renewal that this certificate fulfils; null when there was none.</summary>
    public string? RequestedBy { get; init; }

    /// <summary>The serial number that was last seen served by all pods; null when none was.</summary>
    public string? Served { get; init; }

    /// <summary>A digest of the trust bundle stored with the certificate.</summary>
    public string? Trust { get; init; }

    /// <summary>Whether all pods were seen serving the certificate that was issued last.</summary>
    public bool IsServed => Served == Serial;

    private const string Prefix = "capi-registry-hook.io/certificate-";
    private const string SerialKey = Prefix + "serial";
    private const string IssuerKey = RootAnnotations.CertificateIssuer;
    private const string NotBeforeKey = Prefix + "not-before";
    private const string NotAfterKey = Prefix + "not-after";
    private const string AlgorithmKey = Prefix + "algorithm";
    private const string NamesKey = Prefix + "names";
    private const string RequestedByKey = Prefix + "requested-by";
    private const string ServedKey = Prefix + "served";
    private const string TrustKey = Prefix + "trust";
    private const int DigestLength = 16;
    private const string Unknown = "unknown";

    /// <summary>The renewals of many clusters are spread over this part of the lifetime: 24 days for a certificate of two years.</summary>
    private const int JitterShare = 30;

    /// <summary>The record of a certificate that an authority has just issued, or that needs no reissue.</summary>
    public static CertificateRecord Of(WantedCertificate wanted, string serial, DateTimeOffset notBefore, DateTimeOffset notAfter) =>
        new(serial, RootId.Of(wanted.Authority), notBefore, notAfter, CertificateAlgorithms.Word(wanted.Request.Algorithm),
            DigestOf(wanted.Request.Names))
        {
            RequestedBy = wanted.RenewalRequest,
            Trust = DigestOf(wanted.TrustBytes),
        };

    /// <summary>Null when the annotations are incomplete.</summary>
    public static CertificateRecord? Read(IReadOnlyDictionary<string, string>? annotations) =>
        annotations is not null
        && annotations.TryGetValue(SerialKey, out var serial) && annotations.TryGetValue(IssuerKey, out var issuer)
        && annotations.TryGetValue(AlgorithmKey, out var algorithm) && annotations.TryGetValue(NamesKey, out var names)
        && TryReadTime(annotations, NotBeforeKey, out var notBefore) && TryReadTime(annotations, NotAfterKey, out var notAfter)
            ? new CertificateRecord(serial, issuer, notBefore, notAfter, algorithm, names)
            {
                RequestedBy = annotations.GetValueOrDefault(RequestedByKey),
                Served = annotations.GetValueOrDefault(ServedKey),
                Trust = annotations.GetValueOrDefault(TrustKey),
            }
            : null;

    /// <summary>The annotations from which <see cref="Read"/> restores the record.</summary>
    public Dictionary<string, string> ToAnnotations()
    {
        var annotations = new Dictionary<string, string>
        {
            [SerialKey] = Serial,
            [IssuerKey] = Issuer,
            [NotBeforeKey] = KubernetesTime.Format(NotBefore),
            [NotAfterKey] = KubernetesTime.Format(NotAfter),
            [AlgorithmKey] = Algorithm,
            [NamesKey] = Names,
        };
        foreach (var (key, value) in new[] { (RequestedByKey, RequestedBy), (ServedKey, Served), (TrustKey, Trust) })
        {
            if (value is not null)
                annotations[key] = value;
        }

        return annotations;
    }

    /// <summary>
    /// Whether the workload cluster must be called: to reissue the certificate, to update the trust bundle stored with it, or to check
    /// what is served. The record is believed until then; the issuer compares the certificate itself.
    /// </summary>
    /// <param name="wanted">What the certificate must be.</param>
    /// <param name="uid">The Cluster's.</param>
    /// <param name="now">The current time.</param>
    public bool NeedsWork(WantedCertificate wanted, string uid, DateTimeOffset now) =>
        ReissuePolicy.Evaluate(Compare(wanted, uid), now).Reissue || Trust != DigestOf(wanted.TrustBytes) || !IsServed;

    /// <summary>
    /// When the reconciler renews the certificate: after two thirds of its lifetime, plus a share of the jitter that depends on the uid
    /// alone. So certificates issued on one day are not all renewed on one day, and all replicas agree on the time.
    /// </summary>
    public DateTimeOffset RenewalTime(string uid)
    {
        var life = NotAfter - NotBefore;
        var due = ReissuePolicy.RenewalTime(NotBefore, NotAfter);
        return life > TimeSpan.Zero ? due + (life / JitterShare * FractionOf(uid)) : due;
    }

    /// <summary>
    /// The input of the checks that <see cref="RegistryCertificateIssuer"/> runs on the certificate itself. It does not record upgrades:
    /// their hook calls the workload cluster anyway.
    /// </summary>
    private ReissueInput Compare(WantedCertificate wanted, string uid) => new()
    {
        HasOtherIssuer = wanted.Refusal is null && Issuer != RootId.Of(wanted.Authority),
        HasOtherAlgorithm = Algorithm != CertificateAlgorithms.Word(wanted.Request.Algorithm),
        HasOtherNames = Names != DigestOf(wanted.Request.Names),
        Request = wanted.OpenRequest(wanted.UpgradeTo, RequestedBy),
        RenewalTime = wanted.Refusal is null ? RenewalTime(uid) : ReissuePolicy.LastRenewalTime(NotBefore, NotAfter),
    };

    /// <summary>The id of the root of a certificate whose issuer may not sign now.</summary>
    public static string IssuerOf(Secret certificate, TrustBundle trusted) =>
        trusted.IssuerOf(certificate.Value(SecretKeys.Certificate).Span) is { } root ? RootId.Of(root.Thumbprint) : Unknown;

    private static string DigestOf(ServerNames names) => DigestOf(Encoding.UTF8.GetBytes(names.ToString()));

    private static string DigestOf(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes))[..DigestLength];

    /// <summary>A number in [0, 1), spread evenly over uids.</summary>
    private static double FractionOf(string uid) =>
        BinaryPrimitives.ReadUInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(uid))) / (uint.MaxValue + 1.0);

    private static bool TryReadTime(IReadOnlyDictionary<string, string> annotations, string key, out DateTimeOffset moment)
    {
        moment = default;
        return annotations.TryGetValue(key, out var text) && KubernetesTime.TryParse(text, out moment);
    }
}
