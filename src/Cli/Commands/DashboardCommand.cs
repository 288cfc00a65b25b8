using System.CommandLine;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Dashboard;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Registry.Access;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Serves the page on all registries on 127.0.0.1, with the rights of whoever runs it, until it is interrupted.</summary>
internal static class DashboardCommand
{
    private const int DefaultPort = 8090;

    public static Command Build(TimeProvider time)
    {
        var port = new Option<int>("--port", "-p")
        {
            Description = "Port of 127.0.0.1. [0 for any that is free, to 65535]", DefaultValueFactory = _ => DefaultPort,
        };
        var command = new Command("dashboard", "Show all registries, live, on a page on this machine. It changes nothing.") { port };
        command.Bind([.. RegistryOptionGroup.Options, RegistryOptionGroup.Namespaces, .. ManagementOptionGroup.Options],
            (reader, result) => RunAsync(reader, result.GetValue(port), time));
        return command;
    }

    private static async Task<int> RunAsync(OptionReader reader, int port, TimeProvider time)
    {
        var registry = RegistryOptionGroup.Read(reader);
        var management = ManagementOptionGroup.Read(reader);
        reader.CheckRange("port", port, 0, 65_535);
        if (reader.Problems.Count > 0)
            return ExitCode.Refuse(reader.Problems);

        using var interruption = new Interruption();
        try
        {
            var logins = new TargetLogins(given: null, DockerConfig.Read(DockerConfig.DefaultPath, time));
            var dashboard = new RegistryDashboard(management, registry, ServiceVersion.Text, time);
            await dashboard.ServeAsync(port, logins, Announce, interruption.Token);
            return ExitCode.Success;
        }
        catch (Exception exception) when (exception is ManagementConnectionException or ContentException)
        {
            return ExitCode.Refuse(exception.Message);
        }
        catch (IOException)
        {
            return ExitCode.Refuse($"Port {port} of 127.0.0.1 is in use; choose another with --port, or 0 for any that is free.");
        }
    }

    private static void Announce(Uri address)
    {
        Console.Out.WriteLine(address);
        Console.Error.WriteLine("Open this address in a browser on this machine. It is a secret while this runs; Ctrl+C ends it.");
    }
}
