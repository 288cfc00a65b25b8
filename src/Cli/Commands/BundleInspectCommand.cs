using System.CommandLine;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.Layouts;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Lists what a bundle, a layout or an archive holds.</summary>
internal static class BundleInspectCommand
{
    public static Command Build()
    {
        var path = new Argument<string>("FILE") { Description = "Bundle, OCI layout, OCI archive or Docker archive." };
        var why = new Option<bool>("--why") { Description = "Print where each entry came from, for example a template of a chart." };
        var output = OutputFormat.Option();
        output.AcceptOnlyFromAmong("table", OutputFormat.Json);
        var command = new Command("inspect", "List what a bundle, a layout or an archive holds.") { path, why, output };
        command.SetAction(result => BundleCommand.RunAsync(async cancellationToken =>
        {
            using var source = await ContentArchive.OpenAsync(result.GetValue(path)!, cancellationToken);
            var content = await ContentVerification.InspectAsync(source, cancellationToken);
            Console.Out.Write(result.GetValue(output) == OutputFormat.Json
                ? OutputFormat.WriteJson(json => BundleText.WriteContent(json, content))
                : result.GetValue(why) ? BundleText.WriteReasons(content) : BundleText.WriteTable(content));
            return ExitCode.Success;
        }));
        return command;
    }
}
