using System.Security.Cryptography;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Registry.Backup;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>What encrypts or decrypts a root backup, as the command line names it: a passphrase, or a key file.</summary>
/// <param name="PassphraseFile">A file with the passphrase; null to ask for it on the terminal.</param>
/// <param name="KeyFile">A file with the recipient's public or private key, instead of a passphrase; null for none.</param>
/// <param name="KeyOption">The option that names <paramref name="KeyFile"/>.</param>
internal sealed record RootSecrecy(string? PassphraseFile, string? KeyFile, string KeyOption)
{
    /// <summary>A certificate or key takes a few KiB.</summary>
    private const int MostKeyBytes = 64 * 1024;

    /// <summary>Refuses two ways at once, and none where nobody can be asked.</summary>
    public void Check(OptionReader reader)
    {
        if (PassphraseFile is not null && KeyFile is not null)
            reader.Refuse(KeyOption, "can't be used together with --passphrase-file; use one of them.");
        if (PassphraseFile is null && KeyFile is null && Console.IsInputRedirected)
            reader.Refuse("passphrase-file", $"is missing, and there is no terminal to ask for the passphrase; set it, or --{KeyOption}.");
    }

    /// <exception cref="RootBackupException">A file can't be read, or what is in it can't be used.</exception>
    public RootProtection ForWriting() => KeyFile is null
        ? UsePassphrase(isNew: true) : RootProtection.ForRecipient(Read(KeyFile));

    /// <exception cref="RootBackupException">A file can't be read, or what is in it can't be used.</exception>
    public RootProtection ForReading()
    {
        if (KeyFile is null)
            return UsePassphrase(isNew: false);
        var key = Read(KeyFile);
        try
        {
            return RootProtection.WithPrivateKey(key);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    private RootProtection UsePassphrase(bool isNew)
    {
        var passphrase = PassphraseFile is null ? RootPassphrase.Ask(isNew) : RootPassphrase.Read(PassphraseFile);
        try
        {
            return RootProtection.WithPassphrase(passphrase, isNew);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(passphrase);
        }
    }

    private byte[] Read(string path) => PrivateFile.TryRead(path, MostKeyBytes)
        ?? throw new RootBackupException(
            $"--{KeyOption} names the file {path}, which can't be read; it must hold a PEM of at most 64 KiB.");
}
