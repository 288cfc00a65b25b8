using System.CommandLine;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Requests a rotation of the root CA and prints what will happen.</summary>
internal static class RotateRootCommand
{
    public static Command Build(TimeProvider time)
    {
        var compromised = new Option<bool>("--compromised")
        {
            Description = "The key of the current root may be in other hands: "
                + "each cluster stops trusting that root as soon as it serves a certificate from the next one.",
        };
        var command = new Command("rotate-root", "Request a rotation of the root CA, and print what will happen.") { compromised };
        command.Bind([.. RegistryOptionGroup.Root, .. ManagementOptionGroup.Options],
            (reader, result) => RunAsync(reader, result.GetValue(compromised), time));
        return command;
    }

    private static async Task<int> RunAsync(OptionReader reader, bool isCompromised, TimeProvider time)
    {
        var registry = RegistryOptionGroup.Read(reader);
        var management = ManagementOptionGroup.Read(reader);
        if (reader.Problems.Count > 0)
            return ExitCode.Refuse(reader.Problems);
        try
        {
            var answer = await RotationRequest.PlaceAsync(management, registry, isCompromised, time, CancellationToken.None);
            if (!answer.IsPlaced)
                return ExitCode.Fail(answer.Text);
            await Console.Out.WriteLineAsync(answer.Text);
            return ExitCode.Success;
        }
        catch (ManagementConnectionException exception)
        {
            return ExitCode.Refuse(exception.Message);
        }
    }
}
