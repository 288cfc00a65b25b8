using System.Text;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Prints how the registries of all Clusters stand. It reads the management cluster and asks no running service.</summary>
internal static class StatusCommand
{
    private const int CannotRead = 1;

    public static async Task<int> RunAsync(OptionReader reader, List<string> problems, string output, TimeProvider time)
    {
        var registry = ServiceOptions.ReadRegistry(reader, problems);
        var management = ServiceOptions.ReadManagement(reader, problems);
        var namespaces = ServiceOptions.ReadNamespaces(reader, problems);
        if (output is not ("table" or "json"))
            problems.Add($"The option --output has the value \"{output}\"; use table or json.");
        if (problems.Count > 0)
            return CommandLine.Refuse(problems);

        try
        {
            using var lifecycle = RegistryLifecycle.Connect(management, registry, time);
            var reports = await lifecycle.Fleet.ReportAsync(namespaces, CancellationToken.None);
            var text = output == "json" ? StatusText.WriteJson(reports) : Encoding.UTF8.GetBytes(StatusText.WriteTable(reports));
            await using var standard = Console.OpenStandardOutput();
            await standard.WriteAsync(text);
            return 0;
        }
        catch (ManagementConnectionException exception)
        {
            return CommandLine.Refuse([exception.Message]);
        }
        catch (FleetReportException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return CannotRead;
        }
    }
}
