using System.CommandLine;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Dashboard;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>
/// Prints the state of every Cluster's registry, or of one in depth. It reads the management cluster and asks no running service.
/// </summary>
internal static class StatusCommand
{
    public static Command Build(TimeProvider time)
    {
        var cluster = new Argument<string?>("NAMESPACE/NAME")
        {
            Description = "A Cluster, whose registry is shown in depth; all Clusters without it.", Arity = ArgumentArity.ZeroOrOne,
        };
        var selector = new Option<string?>("--selector", "-l")
        {
            Description = "Only Clusters that this label selector matches, for example env=prod.",
        };
        var watch = new Option<bool>("--watch", "-w") { Description = "Print again when something changes, until interrupted." };
        var output = OutputFormat.OptionWithHtml();
        var command = new Command("status", "Print the state of every Cluster's registry, or of one in depth.")
        {
            cluster, output, selector, watch,
        };
        command.Bind([.. RegistryOptionGroup.Options, RegistryOptionGroup.Namespaces, .. ManagementOptionGroup.Options],
            (reader, result) =>
            {
                var isPage = result.GetValue(output) == OutputFormat.Html;
                var isJson = !isPage && OutputFormat.IsJson(reader, result.GetValue(output)!);
                var only = ReadKey(reader, result.GetValue(cluster));
                if (only is not null && result.GetValue(selector) is not null)
                    reader.Refuse("selector", "selects among all Clusters; leave it out, or the name of the Cluster.");
                var view = new StatusView(only, result.GetValue(selector), isJson, TerminalColor.IsWanted && !isJson);
                if (isPage && (only is not null || view.Selector is not null || result.GetValue(watch)))
                    reader.Refuse("output", "is html, a page that has all Clusters; leave out the name, --selector and --watch.");
                return RunAsync(reader, view with { IsPage = isPage }, result.GetValue(watch), time);
            });
        return command;
    }

    private static ClusterKey? ReadKey(OptionReader reader, string? name)
    {
        if (name is null)
            return null;
        if (!ClusterKey.TryParse(name, out var key))
            reader.Refuse(
                "NAMESPACE/NAME", $"is {FieldText.Quote(name)}; write the namespace and the name of a Cluster, like team-a/prod.");
        return key;
    }

    private static async Task<int> RunAsync(OptionReader reader, StatusView view, bool watch, TimeProvider time)
    {
        var registry = RegistryOptionGroup.Read(reader);
        var management = ManagementOptionGroup.Read(reader);
        if (reader.Problems.Count > 0)
            return ExitCode.Refuse(reader.Problems);

        using var interruption = new Interruption();
        try
        {
            if (view.IsPage)
            {
                var page = new RegistryDashboard(management, registry, ServiceVersion.Text, time);
                Console.Out.Write(await page.WriteAsync(interruption.Token));
                return ExitCode.Success;
            }

            using var lifecycle = RegistryLifecycle.Connect(management, registry, time);
            Task<string?> Read(CancellationToken cancellationToken) => view.ReadAsync(lifecycle.Fleet, cancellationToken);
            return watch ? await WatchAsync(Read, view, time, interruption.Token) : await PrintAsync(Read, view, interruption.Token);
        }
        catch (ManagementConnectionException exception)
        {
            return ExitCode.Refuse(exception.Message);
        }
        catch (FleetStatusException exception)
        {
            return ExitCode.Fail(exception.Message);
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            return watch ? ExitCode.Success : ExitCode.Fail("Interrupted.");
        }
    }

    private static async Task<int> WatchAsync(
        Func<CancellationToken, Task<string?>> read, StatusView view, TimeProvider time, CancellationToken cancellationToken)
    {
        await new StatusWatch(Console.Out, Console.Error, TerminalColor.IsTerminal && !view.IsJson, time).RunAsync(read, cancellationToken);
        return ExitCode.Success;
    }

    private static async Task<int> PrintAsync(
        Func<CancellationToken, Task<string?>> read, StatusView view, CancellationToken cancellationToken)
    {
        if (await read(cancellationToken) is not { } text)
            return ExitCode.Fail($"There is no Cluster {view.Cluster} on the management cluster.");
        Console.Out.Write(text);
        return ExitCode.Success;
    }
}

/// <summary>What is asked for.</summary>
/// <param name="Cluster">The one to show in depth; null for all.</param>
/// <param name="Selector">Which of all; null for each.</param>
/// <param name="IsJson">Whether a program reads it.</param>
/// <param name="HasColors">Whether phases are coloured.</param>
internal sealed record StatusView(ClusterKey? Cluster, string? Selector, bool IsJson, bool HasColors)
{
    /// <summary>Whether a page in one file is wanted instead.</summary>
    public bool IsPage { get; init; }

    /// <summary>The text as it is to be printed; null when the Cluster is not there.</summary>
    public async Task<string?> ReadAsync(RegistryFleet fleet, CancellationToken cancellationToken)
    {
        if (Cluster is { } key)
        {
            return await fleet.ReadStatusAsync(key, cancellationToken) is not { } detail ? null
                : IsJson ? StatusJson.Write(detail) : StatusDetailText.Write(detail, HasColors);
        }

        var reports = await fleet.ReadStatusAsync(Selector, cancellationToken);
        return IsJson ? StatusJson.Write(reports) : StatusText.WriteTable(reports, HasColors);
    }
}
