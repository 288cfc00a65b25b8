using System.CommandLine;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Content.Bundles;
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

    /// <summary>Writes a bundle with its progress on screen, and says what stays when that ends early.</summary>
    public static async Task<BundleReport> WriteAsync(
        string path, string label, IReadOnlyList<BundleItem> items, BundleOptions options, CancellationToken cancellationToken)
    {
        var isComplete = false;
        try
        {
            using var display = ProgressDisplay.Start(options.Time);
            var report = await BundleWriter.CreateAsync(path, items, options with { Progress = display.Add(label) }, cancellationToken);
            isComplete = true;
            return report;
        }
        finally
        {
            var partial = path + BundleWriter.PartialSuffix;
            if (!isComplete && File.Exists(partial))
                await Console.Error.WriteLineAsync(
                    $"{TextTable.Printable(partial)} has what was fetched: run the command again to continue, or remove the file.");
        }
    }

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
