using System.Security.Cryptography;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Backup;

/// <summary>The root CA as it is carried to another management cluster: the current root and, during a rotation, the next one.</summary>
internal sealed record RootBackup(AuthoritySecret Current, AuthoritySecret? Next) : IDisposable
{
    /// <summary>Names both roots in a sentence.</summary>
    public string Describe() => Next is null ? Current.Describe()
        : $"{Current.Describe()} and, for the rotation in progress, the next {Next.Describe()}";

    /// <summary>Releases the keys and zeroes the bytes that they were read from.</summary>
    public void Dispose()
    {
        foreach (var root in new[] { Current, Next }.OfType<AuthoritySecret>())
        {
            root.Dispose();
            CryptographicOperations.ZeroMemory(root.Secret.Data?.GetValueOrDefault(SecretKeys.PrivateKey));
        }
    }
}
