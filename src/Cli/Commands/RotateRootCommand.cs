using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Asks for a rotation of the root CA and prints what will happen. Exit code 1 means that nothing was asked for.</summary>
internal static class RotateRootCommand
{
    private const int NotPlaced = 1;

    /// <summary>The options that say which root on which cluster.</summary>
    public static IReadOnlyList<ServiceOption> Options { get; } =
    [
        .. ServiceOptionList.Registry.Where(option => option.Name is "hook-namespace" or "root-secret-name" or "root-source"),
        .. ServiceOptionList.Serve.Where(option => option.Name is "kubeconfig" or "context"),
    ];

    public static async Task<int> RunAsync(OptionReader reader, bool isCompromised, List<string> problems, TimeProvider time)
    {
        var registry = ServiceOptions.ReadRegistry(reader, problems);
        var management = ServiceOptions.ReadManagement(reader, problems);
        if (problems.Count > 0)
            return CommandLine.Refuse(problems);
        try
        {
            var answer = await RotationRequest.PlaceAsync(management, registry, isCompromised, time, CancellationToken.None);
            await (answer.IsPlaced ? Console.Out : Console.Error).WriteLineAsync(answer.Text);
            return answer.IsPlaced ? 0 : NotPlaced;
        }
        catch (ManagementConnectionException exception)
        {
            return CommandLine.Refuse([exception.Message]);
        }
    }
}
