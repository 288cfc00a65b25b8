using System.CommandLine;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Backup;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Restores the root CA from a file that the export command wrote.</summary>
internal static class RootImportCommand
{
    /// <summary>As large as a Secret may be.</summary>
    private const int MostBytes = 1024 * 1024;

    public static Command Build(TimeProvider time)
    {
        var file = new Option<string>("--file", "-f") { Description = "File that \"root export\" wrote.", Required = true };
        var passphrase = RootPassphrase.Option();
        var key = new Option<string>("--key")
        {
            Description = "Private key (PEM, RSA, not encrypted) of the recipient whom the file was written for.",
        };
        var command = new Command("import", "Restore the root CA from such a file. Never replaces a root that clusters rely on.")
        {
            file, passphrase, key,
        };
        command.Bind(
            [.. RegistryOptionGroup.Root, RegistryOptionGroup.Namespaces, .. ManagementOptionGroup.Options],
            (reader, result) => RunAsync(
                reader, result.GetValue(file)!, new RootSecrecy(result.GetValue(passphrase), result.GetValue(key), "key"), time));
        return command;
    }

    private static async Task<int> RunAsync(OptionReader reader, string file, RootSecrecy secrecy, TimeProvider time)
    {
        var registry = RegistryOptionGroup.Read(reader);
        var management = ManagementOptionGroup.Read(reader);
        secrecy.Check(reader);
        if (PrivateFile.TryRead(file, MostBytes) is not { } content)
            return ExitCode.Refuse([.. reader.Problems, $"{file}: The file can't be read: it must exist and hold at most 1 MiB."]);
        if (reader.Problems.Count > 0)
            return ExitCode.Refuse(reader.Problems);
        try
        {
            using var protection = secrecy.ForReading();
            var import = await RootImport.WriteAsync(management, registry, content, protection, time, CancellationToken.None);
            if (!import.IsDone)
                return ExitCode.Fail(import.Text);
            await Console.Out.WriteLineAsync(import.Text);
            return ExitCode.Success;
        }
        catch (RootBackupException exception)
        {
            return ExitCode.Refuse($"{file}: {exception.Message}");
        }
        catch (ManagementConnectionException exception)
        {
            return ExitCode.Refuse(exception.Message);
        }
    }
}
