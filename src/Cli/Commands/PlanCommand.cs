using System.CommandLine;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Handlers;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>
/// Prints what a Cluster would get: addresses, certificate names, Secrets without key material, the HelmChartProxy and the files of
/// its nodes. For a GeneratePatches request it prints the patches.
/// </summary>
internal static class PlanCommand
{
    public static Command Build()
    {
        var file = new Option<string>("--file", "-f")
        {
            Description = "Manifest with the Cluster, or the body of a GeneratePatches request; - reads standard input.",
            Required = true,
        };
        var format = new Option<NodeFormat>("--generatepatches")
        {
            Description = "Version of the GeneratePatches handler that the ClusterClass names: V1, V2 or V3.",
            DefaultValueFactory = _ => NodeFormat.V3,
        };
        var command = new Command("plan", "Print what a Cluster would get. Contacts no cluster.") { file, format };
        command.Bind(
            RegistryOptionGroup.Options, (reader, result) => Task.FromResult(Run(result.GetValue(file)!, result.GetValue(format), reader)));
        return command;
    }

    private static int Run(string file, NodeFormat format, OptionReader reader)
    {
        var options = RegistryOptionGroup.Read(reader);
        if (reader.Problems.Count > 0)
            return ExitCode.Refuse(reader.Problems);

        try
        {
            var text = ReadText(file);
            if (PatchPreview.IsRequest(text))
                return PatchPreview.Print(text, options, format, Console.Out) is { } refusal ? ExitCode.Refuse(refusal) : ExitCode.Success;
            var plans = ClusterManifest.Read(text).Select(cluster => RegistryPlanText.Write(cluster, options, format)).ToList();
            if (plans.Exists(plan => plan.Problems is not null))
                return ExitCode.Refuse(plans.Select(plan => plan.Problems).OfType<string>());
            foreach (var plan in plans)
                Console.Out.Write(plan.Yaml);
            return ExitCode.Success;
        }
        catch (Exception exception) when (exception is ClusterFormatException or HookRequestException)
        {
            return ExitCode.Refuse($"{file}: {exception.Message}");
        }
        catch (Exception exception)
            when (exception is IOException or InvalidDataException or UnauthorizedAccessException or ArgumentException)
        {
            return ExitCode.Refuse($"{file}: The file can't be read: it must be a manifest of at most 1 Mi characters.");
        }
    }

    private static string ReadText(string file)
    {
        using var reader = file == "-" ? Console.In : File.OpenText(file);
        return BoundedYaml.ReadText(reader);
    }
}
