using System.CommandLine;
using CapiRegistryHook.Packaging.Images;
using CapiRegistryHook.Packaging.Releases;

namespace CapiRegistryHook.Packaging;

/// <summary>Makes what is released; <c>image.sh</c> and <c>release.sh</c> say from what.</summary>
internal static class Program
{
    public static int Main(string[] arguments)
    {
        var root = new RootCommand("Makes what is released.");
        root.Subcommands.Add(ImageCommand());
        root.Subcommands.Add(ReleaseCommand());
        return root.Parse(arguments).Invoke();
    }

    private static Command ImageCommand()
    {
        var program = Required<string>("--program", "The published program, with its .deps.json beside it.");
        var packages = Required<string>("--packages", "A folder with Debian's packages.");
        var registry = Required<string>("--registry", "The registry in the image's name.");
        var version = Required<string>("--image-version", "The image's tag.");
        var created = Required<long>("--created", "When the sources were committed, in seconds since 1970.");
        var revision = Required<string>("--revision", "The commit.");
        var output = Required<string>("--output", "An empty folder.");
        var command = new Command("image", "Makes the image of the service.")
        {
            program, packages, registry, version, created, revision, output,
        };
        command.SetAction(parsed => Run(() =>
        {
            var facts = new ImageFacts(parsed.GetValue(registry)!, parsed.GetValue(version)!,
                DateTimeOffset.FromUnixTimeSeconds(parsed.GetValue(created)), parsed.GetValue(revision)!);
            Console.WriteLine(
                ServiceImage.Write(facts, parsed.GetValue(program)!, parsed.GetValue(packages)!, parsed.GetValue(output)!));
        }));
        return command;
    }

    private static Command ReleaseCommand()
    {
        var checkout = Required<string>("--checkout", "The root of the repository.");
        var version = Required<string>("--release-version", "The version.");
        var registry = Required<string>("--registry", "The registry in the image's name.");
        var image = Required<string>("--image", "What packaging/image.sh wrote.");
        var rendered = Required<string>("--rendered", "A folder with the renderings of the service's chart.");
        var output = Required<string>("--output", "An empty folder.");
        var dryRun = new Option<bool>("--dry-run") { Description = "The notes are those of the unreleased changes." };
        var command = new Command(
            "release", "Makes the files of a release.") { checkout, version, registry, image, rendered, output, dryRun };
        command.SetAction(parsed => Run(() =>
            new ReleaseFolder(
                parsed.GetValue(checkout)!, parsed.GetValue(version)!, parsed.GetValue(registry)!, parsed.GetValue(dryRun))
                .Write(parsed.GetValue(image)!, parsed.GetValue(rendered)!, parsed.GetValue(output)!)));
        return command;
    }

    private static int Run(Action write)
    {
        try
        {
            write();
            return 0;
        }
        catch (InvalidOperationException exception)
        {
            Console.Error.WriteLine($"error: {exception.Message}");
            return 1;
        }
    }

    private static Option<T> Required<T>(string name, string description) => new(name) { Description = description, Required = true };
}
