using System.CommandLine;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Hooks;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Runs the service until it is told to stop.</summary>
internal static class ServeCommand
{
    public static Command Build(TimeProvider time)
    {
        var command = new Command("serve", "Run the service: answer Cluster API's hooks over HTTPS, and reconcile Clusters.");
        Bind(command, time);
        return command;
    }

    /// <summary>Makes <paramref name="command"/> run the service.</summary>
    public static void Bind(Command command, TimeProvider time) =>
        command.Bind(OptionList.All, (reader, _) => RunAsync(reader, time));

    private static async Task<int> RunAsync(OptionReader reader, TimeProvider time)
    {
        var options = ServiceOptions.Read(reader);
        if (reader.Problems.Count > 0)
            return ExitCode.Refuse(reader.Problems);
        try
        {
            await HookHost.RunAsync(options, time);
            return ExitCode.Success;
        }
        catch (HookHostException exception)
        {
            return ExitCode.Refuse(exception.Message);
        }
    }
}
