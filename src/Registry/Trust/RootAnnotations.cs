using CapiRegistryHook.Registry.Authorities;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// The annotations of root Secrets, besides those of every <see cref="AuthoritySecret"/>. A rotation derives its state from them on every
/// reconcile; nothing is stored elsewhere.
/// </summary>
internal static class RootAnnotations
{
    /// <summary>On the root Secret while a rotation runs: the name of the Secret with the next root, which signs from then on.</summary>
    public const string NextRoot = "capi-registry-hook.io/next-root";

    /// <summary>On root Secrets: how many roots there have been, this one included; absent on the first.</summary>
    public const string Generation = "capi-registry-hook.io/generation";

    /// <summary>
    /// On the root Secret: the ids of the compromised roots, separated by commas. It stays through later rotations, since a paused cluster
    /// may still trust such a root.
    /// </summary>
    public const string Compromised = "capi-registry-hook.io/root-compromised";

    /// <summary>
    /// On the Secret with the next root: the id of the root that it follows. It signs nothing unless that is the current root.
    /// </summary>
    public const string Follows = "capi-registry-hook.io/follows-root";

    /// <summary>What a backup of a root carries. Whether a rotation is in progress follows from the next root that is in it.</summary>
    public static IReadOnlyList<string> Carried { get; } =
        [Generation, AuthoritySecret.RotateAnnotation, AuthoritySecret.RotatedForAnnotation, Compromised, Follows];

    /// <summary>On HelmChartProxies: the id of the root that the registry's certificate is from.</summary>
    public const string CertificateIssuer = "capi-registry-hook.io/certificate-issuer";

    /// <summary>Set by cert-manager on the Secrets that it writes.</summary>
    public const string CertManager = "cert-manager.io/certificate-name";
}
