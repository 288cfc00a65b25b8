using System.CommandLine;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>The command "root": a backup of the root CA, and its way back.</summary>
internal static class RootBackupCommand
{
    public static Command Build(TimeProvider time) => new("root", "Back up the root CA, and restore it.")
    {
        RootExportCommand.Build(time),
        RootImportCommand.Build(time),
    };
}
