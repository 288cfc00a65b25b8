using System.Globalization;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>A Secret with a root, and the authority that is in it.</summary>
internal sealed record RootSecret(Secret Secret, CertificateAuthority Authority) : IDisposable
{
    public const string CrossCertificatesKey = "cross-certificates.crt";

    private const int MostCompromised = 10;

    public string Id => RootId.Of(Authority);

    /// <summary>1 for the first root.</summary>
    public int Generation =>
        int.TryParse(Annotation(RootAnnotations.Generation), NumberStyles.None, CultureInfo.InvariantCulture, out var generation)
            && generation > 0 ? generation : 1;

    /// <exception cref="CertificateException">What is in the Secret is no authority that can be used.</exception>
    public static RootSecret Load(Secret secret) => new(secret, CertificateAuthority.Load(
        secret.Value(SecretKeys.Certificate).Span, secret.Value(SecretKeys.PrivateKey).Span,
        secret.Value(SecretKeys.Authority).Span, secret.Value(CrossCertificatesKey).Span));

    /// <summary>Null when it can't be used.</summary>
    public static RootSecret? TryLoad(Secret? secret)
    {
        try
        {
            return secret is null ? null : Load(secret);
        }
        catch (CertificateException)
        {
            return null;
        }
    }

    /// <summary>Null when it is not there or empty.</summary>
    public string? Annotation(string name) => Secret.Metadata.Annotations?.GetValueOrDefault(name) is { Length: > 0 } value ? value : null;

    /// <summary>The ids of this root and of former ones whose keys are compromised, in the order in which that was found out.</summary>
    public IReadOnlyList<string> CompromisedIds =>
        (Annotation(RootAnnotations.Compromised) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    public bool IsCompromised => CompromisedIds.Contains(Id, StringComparer.Ordinal);

    /// <summary>
    /// The annotation's value once this root is compromised too. Ids beyond the last ten belong to roots that ended long ago.
    /// </summary>
    public string CompromisedWithThis =>
        string.Join(',', CompromisedIds.Append(Id).Distinct(StringComparer.Ordinal).TakeLast(MostCompromised));

    public bool IsFollowedBy(RootSecret next) => next.Annotation(RootAnnotations.Follows) == Id && next.Id != Id;

    public void Dispose() => Authority.Dispose();
}
