using System.CommandLine;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.Layouts;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Reads everything in a bundle, a layout or an archive, and compares it with its digests.</summary>
internal static class BundleVerifyCommand
{
    private const int Workers = 4;

    public static Command Build()
    {
        var path = new Argument<string>("FILE") { Description = "Bundle, OCI layout, OCI archive or Docker archive." };
        var output = OutputFormat.Option();
        output.AcceptOnlyFromAmong("table", OutputFormat.Json);
        var command = new Command(
            "verify", "Read everything in a bundle, a layout or an archive, and compare it with its digests. The exit code is 1 "
            + "when something is missing or corrupt.") { path, output };
        command.SetAction(result => BundleCommand.RunAsync(async cancellationToken =>
        {
            using var source = await ContentArchive.OpenAsync(result.GetValue(path)!, cancellationToken);
            var report = await ContentVerification.RunAsync(source, Workers, cancellationToken);
            if (result.GetValue(output) == OutputFormat.Json)
                Console.Out.Write(WriteJson(report));
            else
                Print(report, source.Location);
            return report.Problems.Count == 0 ? ExitCode.Success : ExitCode.Failure;
        }));
        return command;
    }

    private static void Print(VerificationReport report, string location)
    {
        foreach (var problem in report.Problems)
            Console.Error.WriteLine(TextTable.Printable(problem));
        if (report.Problems.Count > 0)
            return;
        var names = BundleText.Count(report.Content.Count, "name");
        Console.Out.Write($"{location} is complete: {names}, {BundleText.Count(report.Blobs, "blob")} verified.\n");
        if (report.LeftOut.Count > 0)
            Console.Out.Write($"It needs an older bundle for {BundleText.Count(report.LeftOut.Count, "blob")}.\n");
    }

    private static string WriteJson(VerificationReport report) => OutputFormat.WriteJson(json =>
    {
        json.WriteBoolean("complete", report.Problems.Count == 0);
        json.WriteNumber("blobs", report.Blobs);
        json.WriteTexts("problems", report.Problems);
        json.WriteTexts("leftOut", report.LeftOut.Select(digest => digest.ToString()));
        BundleText.WriteContent(json, report.Content);
    });
}
