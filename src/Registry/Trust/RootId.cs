using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// The id of a root in annotations: the first 16 hex digits of the SHA-256 of its certificate. Short enough for people, long enough to be
/// unique.
/// </summary>
internal static class RootId
{
    private const int Length = 16;

    public static string Of(CertificateAuthority authority) => Of(authority.RootThumbprint);

    public static string Of(string thumbprint) => thumbprint[..Length];
}
