using System.CommandLine;
using System.Text;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Prints the state of every Cluster's registry. It reads the management cluster and asks no running service.</summary>
internal static class StatusCommand
{
    public static Command Build(TimeProvider time)
    {
        var output = new Option<string>("--output", "-o")
        {
            Description = "Format: table, or json for programs.",
            DefaultValueFactory = _ => "table",
        };
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
        if (output is not ("table" or "json"))
            reader.Refuse("output", $"has the value \"{output}\"; use table or json.");
        if (reader.Problems.Count > 0)
            return ExitCode.Refuse(reader.Problems);

        try
        {
            using var lifecycle = RegistryLifecycle.Connect(management, registry, time);
            var reports = await lifecycle.Fleet.ReadStatusAsync(namespaces, CancellationToken.None);
            var text = output == "json" ? StatusText.WriteJson(reports) : Encoding.UTF8.GetBytes(StatusText.WriteTable(reports));
            await using var standard = Console.OpenStandardOutput();
            await standard.WriteAsync(text);
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
