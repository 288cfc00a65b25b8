using System.Text;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Registry.Backup;

/// <summary>How the private keys in a root backup are encrypted: under a passphrase, or for the owner of an RSA key.</summary>
public sealed class RootProtection : IDisposable
{
    /// <summary>Shorter passphrases are guessed by whoever has the file.</summary>
    public const int ShortestPassphrase = 12;

    private RootProtection(IKeyProtection keys) => Keys = keys;

    internal IKeyProtection Keys { get; }

    /// <summary>Under a passphrase.</summary>
    /// <param name="passphrase">UTF-8. The caller zeroes it.</param>
    /// <param name="isNew">True to refuse one of fewer than <see cref="ShortestPassphrase"/> characters.</param>
    /// <exception cref="RootBackupException">It is empty or too short.</exception>
    public static RootProtection WithPassphrase(ReadOnlySpan<byte> passphrase, bool isNew)
    {
        if (passphrase.IsEmpty)
            throw new RootBackupException("The passphrase is empty.");
        return isNew && Encoding.UTF8.GetCharCount(passphrase) < ShortestPassphrase
            ? throw new RootBackupException($"The passphrase is too short; use at least {ShortestPassphrase} characters.")
            : new RootProtection(new PassphraseProtection(passphrase));
    }

    /// <summary>For the owner of a certificate or public key, in PEM.</summary>
    /// <exception cref="RootBackupException">It can't be used.</exception>
    public static RootProtection ForRecipient(ReadOnlySpan<byte> pem)
    {
        try
        {
            return new RootProtection(RecipientProtection.ForRecipient(pem));
        }
        catch (CertificateException exception)
        {
            throw new RootBackupException(exception.Message, exception);
        }
    }

    /// <summary>With the private key of the recipient, in PEM.</summary>
    /// <exception cref="RootBackupException">It can't be used.</exception>
    public static RootProtection WithPrivateKey(ReadOnlySpan<byte> pem)
    {
        try
        {
            return new RootProtection(RecipientProtection.WithPrivateKey(pem));
        }
        catch (CertificateException exception)
        {
            throw new RootBackupException(exception.Message, exception);
        }
    }

    /// <summary>Zeroes or releases what encrypts.</summary>
    public void Dispose() => Keys.Dispose();
}
