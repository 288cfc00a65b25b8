using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// How a root is named in annotations: the first 16 hex digits of the SHA-256 of its certificate. Short enough to be read by people, long
/// enough not to be met twice.
/// </summary>
internal static class RootId
{
    private const int Length = 16;

    public static string Of(CertificateAuthority authority) => Of(authority.RootThumbprint);

    public static string Of(string thumbprint) => thumbprint[..Length];
}
