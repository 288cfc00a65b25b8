using System.CommandLine;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Workloads;
using CapiRegistryHook.Delivery.Deploying;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>
/// Reads manifests, makes their images point to a registry by digest, and writes them: a filter that Helm and Kustomize can use. What the
/// registry does not have stays as it is.
/// </summary>
internal static class RewriteCommand
{
    public static Command Build(TimeProvider time)
    {
        var paths = PathOption();
        var images = new Option<string?>(ChartDeployment.ImagesOption)
        {
            Description = "JSON object with images and their replacements, instead of a registry.", Hidden = true,
        };
        var targets = new TargetArguments();
        var command = new Command(
            "rewrite", "Read manifests on standard input and write them with images that point to a cluster's registry by digest.")
        {
            paths, images,
        };
        targets.AddTo(command);
        command.Bind(TargetArguments.Service, (reader, result) =>
        {
            if (!TryParse(result.GetValue(paths), out var parsed, out var problem))
                return Task.FromResult(ExitCode.Refuse(problem));
            if (result.GetValue(images) is { } file)
                return BundleCommand.RunAsync(_ => Task.FromResult(Write(Read(), parsed, ImageReplacements.Read(file).GetValueOrDefault)));
            return targets.Read(reader, result, time) is { } selection
                ? RunAsync(selection, parsed) : Task.FromResult(ExitCode.Refuse(reader.Problems));
        });
        return command;
    }

    /// <summary>The option that says where custom resources name images.</summary>
    public static Option<string[]> PathOption() => new("--path")
    {
        Description =
            "Where objects of another kind name an image, as Kind:spec.image, with [*] for each entry of a list; may be repeated.",
    };

    /// <summary>The paths of <see cref="PathOption"/>, or why they can't be used.</summary>
    public static bool TryParse(string[]? texts, out IReadOnlyList<ImagePath> paths, out string problem)
    {
        (paths, problem) = ([], "");
        try
        {
            paths = [.. (texts ?? []).Select(ImagePath.Parse)];
            return true;
        }
        catch (ContentException exception)
        {
            problem = $"--path: {exception.Message}";
            return false;
        }
    }

    private static Task<int> RunAsync(TargetSelection selection, IReadOnlyList<ImagePath> paths) =>
        selection.RunOnOneAsync(async (target, cancellationToken) =>
        {
            var address = target.PullAddress
                ?? throw new DeliveryException($"The registry of {target.Name} has no address that nodes could pull from.");
            var text = Read();
            var wanted = ImageScan.Find(text, paths)
                .Select(mention => Reference.TryParse(mention.Image, out var image) ? image : null).OfType<Reference>();
            var found = await MirroredImages.FindAsync(target.Client, target.Rule, address, wanted, cancellationToken);
            return Write(text, paths, image => ImageReplacements.Of(found.GetValueOrDefault(image), address));
        });

    private static int Write(string text, IReadOnlyList<ImagePath> paths, Func<Reference, Reference?> replace)
    {
        var result = ManifestRewrite.Apply(text, paths, replace);
        Console.Out.Write(result.Text);
        foreach (var left in result.Left)
            Console.Error.WriteLine(TextTable.Printable($"{left.Image} stays as it is: the registry does not have it ({left.Where})."));
        return ExitCode.Success;
    }

    private static string Read()
    {
        var buffer = new char[64 << 10];
        var text = new System.Text.StringBuilder();
        for (int read; (read = Console.In.Read(buffer)) > 0;)
        {
            if (text.Append(buffer, 0, read).Length > ImageScan.LongestText)
                throw new ContentException($"The manifests are longer than {ImageScan.LongestText} characters.");
        }

        return text.ToString();
    }
}
