namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// The annotations of root Secrets. A rotation derives its state from them on every reconcile; nothing is kept elsewhere.
/// </summary>
internal static class RootAnnotations
{
    /// <summary>On the root Secret while a rotation runs: the name of the Secret with the next root, which signs from then on.</summary>
    public const string NextRoot = "capi-registry-hook.io/next-root";

    /// <summary>On root Secrets: how many roots there have been, this one included; absent on the first.</summary>
    public const string Generation = "capi-registry-hook.io/generation";

    /// <summary>On the root Secret: another text than in <see cref="RotatedFor"/> asks for a rotation.</summary>
    public const string RotateRoot = "capi-registry-hook.io/rotate-root";

    /// <summary>The request that the latest rotation fulfilled.</summary>
    public const string RotatedFor = "capi-registry-hook.io/rotated-for";

    /// <summary>
    /// On the root Secret: the ids of the roots whose keys somebody else may have, separated by commas. Stays through later rotations,
    /// since a cluster that is paused may still trust such a root.
    /// </summary>
    public const string Compromised = "capi-registry-hook.io/root-compromised";

    /// <summary>
    /// On the Secret with the next root: the root that it follows. A next root that follows another one than the current is not signed
    /// with.
    /// </summary>
    public const string Follows = "capi-registry-hook.io/follows-root";

    /// <summary>On HelmChartProxies: the id of the root that the registry's certificate is from.</summary>
    public const string CertificateIssuer = "capi-registry-hook.io/certificate-issuer";

    /// <summary>cert-manager's mark on the Secrets that it writes.</summary>
    public const string CertManager = "cert-manager.io/certificate-name";
}
