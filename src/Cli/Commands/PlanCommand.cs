using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Handlers;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>
/// Prints what a Cluster would get: addresses, certificate names, Secrets without key material, the HelmChartProxy and the files of
/// its nodes. For a GeneratePatches request it prints the patches.
/// </summary>
internal static class PlanCommand
{
    public static int Run(string file, OptionReader reader, List<string> problems)
    {
        var options = ServiceOptions.ReadRegistry(reader, problems);
        if (problems.Count > 0)
            return CommandLine.Refuse(problems);

        try
        {
            var text = ReadText(file);
            if (PatchPreview.IsRequest(text))
                return PatchPreview.Print(text, options, Console.Out) is { } refusal ? CommandLine.Refuse([refusal]) : 0;
            var plans = ClusterManifest.Read(text).Select(cluster => RegistryPlanText.Write(cluster, options)).ToList();
            if (plans.Exists(plan => plan.Problems is not null))
                return CommandLine.Refuse(plans.Select(plan => plan.Problems).OfType<string>());
            foreach (var plan in plans)
                Console.Out.Write(plan.Yaml);
            return 0;
        }
        catch (Exception exception) when (exception is ClusterFormatException or HookRequestException)
        {
            return CommandLine.Refuse([$"{file}: {exception.Message}"]);
        }
        catch (Exception exception)
            when (exception is IOException or InvalidDataException or UnauthorizedAccessException or ArgumentException)
        {
            return CommandLine.Refuse([$"{file}: The file can't be read: it must be a manifest of at most 1 Mi characters."]);
        }
    }

    private static string ReadText(string file)
    {
        using var reader = file == "-" ? Console.In : File.OpenText(file);
        return BoundedYaml.ReadText(reader);
    }
}
