using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using CapiRegistryHook.Registry.Backup;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>
/// The passphrase of a root backup. It comes from a file or from a terminal, never from the command line or the environment, which other
/// processes can read.
/// </summary>
internal static class RootPassphrase
{
    private const int MostBytes = 1024;

    public static Option<string> Option() => new("--passphrase-file")
    {
        Description =
            "File whose first line is the passphrase under which the private key is encrypted; without it you are asked on the terminal.",
    };

    /// <summary>The first line of a file, as UTF-8 that the caller zeroes.</summary>
    /// <exception cref="RootBackupException">The file can't be read.</exception>
    public static byte[] Read(string path)
    {
        var content = PrivateFile.TryRead(path, MostBytes) ?? throw new RootBackupException(
            $"--passphrase-file names the file {path}, which can't be read; its first line must be a passphrase of at most 1 KiB.");
        var end = content.AsSpan().IndexOfAny((byte)'\r', (byte)'\n');
        return Take(content, end < 0 ? content.Length : end);
    }

    /// <summary>Asks on the terminal without an echo, twice for a new one.</summary>
    /// <exception cref="RootBackupException">Both are not the same.</exception>
    public static byte[] Ask(bool isNew)
    {
        var passphrase = Ask("Passphrase: ");
        if (!isNew)
            return passphrase;
        var again = Ask("Passphrase again: ");
        var isSame = CryptographicOperations.FixedTimeEquals(passphrase, again);
        CryptographicOperations.ZeroMemory(again);
        if (isSame)
            return passphrase;
        CryptographicOperations.ZeroMemory(passphrase);
        throw new RootBackupException("The two passphrases differ.");
    }

    private static byte[] Ask(string prompt)
    {
        Console.Error.Write(prompt);
        var typed = GC.AllocateArray<char>(MostBytes / 4, pinned: true);
        var buffer = GC.AllocateArray<byte>(MostBytes, pinned: true);
        try
        {
            var length = ReadLine(typed);
            return Take(buffer, Encoding.UTF8.GetBytes(typed.AsSpan(0, length), buffer));
        }
        finally
        {
            Console.Error.WriteLine();
            Array.Clear(typed);
        }
    }

    private static int ReadLine(char[] typed)
    {
        var length = 0;
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
                length = Math.Max(0, length - 1);
            else if (key.KeyChar != '\0' && length < typed.Length)
                typed[length++] = key.KeyChar;
        }

        return length;
    }

    /// <summary>The start of a buffer, which is zeroed.</summary>
    private static byte[] Take(byte[] buffer, int length)
    {
        var taken = GC.AllocateUninitializedArray<byte>(length, pinned: true);
        buffer.AsSpan(0, length).CopyTo(taken);
        CryptographicOperations.ZeroMemory(buffer);
        return taken;
    }
}
