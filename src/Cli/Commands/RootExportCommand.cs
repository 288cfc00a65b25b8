using System.CommandLine;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Backup;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Writes the root CA to an encrypted file.</summary>
internal static class RootExportCommand
{
    public static Command Build(TimeProvider time)
    {
        var output = new Option<string>("--output", "-o") { Description = "File to write, readable by you alone.", Required = true };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace the file when it exists." };
        var passphrase = RootPassphrase.Option();
        var recipient = new Option<string>("--recipient")
        {
            Description = "Certificate or public key (PEM, RSA) of who may read the private key, instead of a passphrase.",
        };
        var command = new Command("export", "Write the root CA to an encrypted file, for a backup or for another management cluster.")
        {
            output, overwrite, passphrase, recipient,
        };
        command.Bind([.. RegistryOptionGroup.Root, .. ManagementOptionGroup.Options], (reader, result) => RunAsync(
            reader, result.GetValue(output)!, result.GetValue(overwrite),
            new RootSecrecy(result.GetValue(passphrase), result.GetValue(recipient), "recipient"), time));
        return command;
    }

    private static async Task<int> RunAsync(OptionReader reader, string output, bool overwrite, RootSecrecy secrecy, TimeProvider time)
    {
        var registry = RegistryOptionGroup.Read(reader);
        var management = ManagementOptionGroup.Read(reader);
        secrecy.Check(reader);
        if (File.Exists(output) && !overwrite)
            reader.Refuse("output", $"names the file {output}, which exists; choose another name, or add --overwrite.");
        if (reader.Problems.Count > 0)
            return ExitCode.Refuse(reader.Problems);
        try
        {
            using var protection = secrecy.ForWriting();
            var export = await RootExport.ReadAsync(management, registry, protection, time, CancellationToken.None);
            if (export.Content is null)
                return ExitCode.Fail(export.Text);
            PrivateFile.Write(output, export.Content, overwrite);
            await Console.Out.WriteLineAsync($"Wrote {export.Text} to {output}.");
            return ExitCode.Success;
        }
        catch (Exception exception) when (exception is ManagementConnectionException or RootBackupException)
        {
            return ExitCode.Refuse(exception.Message);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return ExitCode.Refuse($"{output}: The file can't be written: its folder must exist and be writable.");
        }
    }
}
