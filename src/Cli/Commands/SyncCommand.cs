using System.CommandLine;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Cli.Syncing;
using CapiRegistryHook.Registry.Access;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Runs the syncer until it is told to stop.</summary>
internal static class SyncCommand
{
    public static Command Build(TimeProvider time)
    {
        var command = new Command("sync",
            "Run the syncer: fill the registries of Clusters with what RegistryContents declare, and keep them in sync.");
        command.Bind(SyncOptionGroup.Options, (reader, _) => RunAsync(reader, time));
        return command;
    }

    private static async Task<int> RunAsync(OptionReader reader, TimeProvider time)
    {
        var registry = RegistryOptionGroup.Read(reader);
        var sync = SyncOptionGroup.Read(reader);
        var listen = SyncOptionGroup.ReadListen(reader);
        var management = ManagementOptionGroup.Read(reader);
        var log = LogOptionGroup.Read(reader);
        if (reader.Problems.Count > 0)
            return ExitCode.Refuse(reader.Problems);
        try
        {
            await SyncHost.RunAsync(new SyncHostOptions(sync, registry, management, listen!, log), time);
            return ExitCode.Success;
        }
        catch (Exception exception) when (exception is ManagementConnectionException or IOException)
        {
            return ExitCode.Refuse(exception.Message);
        }
    }
}
