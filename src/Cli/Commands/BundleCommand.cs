using System.CommandLine;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>The commands that make and check bundles: files with all content of a site.</summary>
internal static class BundleCommand
{
    public static Command Build(TimeProvider time) => new(
        "bundle", "Make and check bundles: one file with the images and charts of a site.")
    {
        BundleCreateCommand.Build(time), BundleInspectCommand.Build(), BundleVerifyCommand.Build(),
    };

    /// <summary>Runs a command that reads content; faults of content are its failures.</summary>
    public static async Task<int> RunAsync(Func<CancellationToken, Task<int>> run)
    {
        using var interruption = new Interruption();
        try
        {
            return await run(interruption.Token);
        }
        catch (ContentException exception)
        {
            return ExitCode.Fail(exception.Message);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or HttpRequestException)
        {
            return ExitCode.Fail(exception.Message);
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            return ExitCode.Fail("Interrupted.");
        }
    }
}
