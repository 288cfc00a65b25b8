namespace CapiRegistryHook.Registry.Backup;

/// <summary>
/// A root backup, or what is to encrypt or decrypt it, can't be used. The message is a sentence without content of the file.
/// </summary>
public sealed class RootBackupException(string message, Exception? cause = null) : Exception(message, cause);
