using System.CommandLine;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Prints the state of every Cluster's registry. It reads the management cluster and asks no running service.</summary>
internal static class StatusCommand
{
    public static Command Build(TimeProvider time)
    {
        var output = OutputFormat.Option();
        var command = new Command("status", "Print the state of every Cluster's registry.") { output };
        command.Bind([.. RegistryOptionGroup.Options, ReconcilerOptionGroup.Namespaces, .. ManagementOptionGroup.Options],
            (reader, result) => RunAsync(reader, result.GetValue(output)!, time));
        return command;
    }

    private static async Task<int> RunAsync(OptionReader reader, string output, TimeProvider time)
    {
        var registry = RegistryOptionGroup.Read(reader);
        var management = ManagementOptionGroup.Read(reader);
        var namespaces = ReconcilerOptionGroup.Read(reader).Namespaces;
        var isJson = OutputFormat.IsJson(reader, output);
        if (reader.Problems.Count > 0)
            return ExitCode.Refuse(reader.Problems);

        try
        {
            using var lifecycle = RegistryLifecycle.Connect(management, registry, time);
            var reports = await lifecycle.Fleet.ReadStatusAsync(namespaces, null, CancellationToken.None);
            Console.Out.Write(isJson ? StatusText.WriteJson(reports) : StatusText.WriteTable(reports));
            return ExitCode.Success;
        }
        catch (ManagementConnectionException exception)
        {
            return ExitCode.Refuse(exception.Message);
        }
        catch (FleetStatusException exception)
        {
            return ExitCode.Fail(exception.Message);
        }
    }
}
