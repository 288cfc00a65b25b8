using System.CommandLine;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.Charts;
using CapiRegistryHook.Content.Collecting;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Workloads;
using CapiRegistryHook.Registry.Clients;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Makes a bundle from a list of content: images, charts with the images that they need, archives.</summary>
internal static class BundleCreateCommand
{
    private const int LongestList = 1 << 20;

    public static Command Build(TimeProvider time)
    {
        var file = new Option<string?>("--file", "-f")
        {
            Description = "List of content (content.yaml); paths in it are relative to it.",
        };
        var cluster = new Option<string?>("--from-cluster")
        {
            Description = "Cluster, as NAMESPACE/NAME, whose whole registry is included, as a backup.",
        };
        var output = new Option<string>("--output", "-o") { Description = "The bundle to write.", Required = true };
        var older = new Option<string?>("--base")
        {
            Description = "Older bundle whose blobs are left out; the new one is pushed after it.",
        };
        var caFile = new Option<string?>("--ca-file")
        {
            Description = "CA certificates in PEM that are trusted besides those of this machine, for all registries of the list.",
        };
        var helm = new Option<string>("--helm")
        {
            Description = "Helm 3 or 4, which renders charts to find their images.", DefaultValueFactory = _ => "helm",
        };
        var keep = new Option<bool>("--keep-indexes")
        {
            Description = "Keep the digests of indexes whose platforms are reduced; not every registry accepts such indexes.",
        };
        var why = new Option<bool>("--why") { Description = "Print where each entry came from." };
        var command = new Command(
            "create", "Make a bundle from a list of content.") { file, cluster, output, older, caFile, helm, keep, why };
        var login = new LoginArguments();
        login.AddTo(command);
        command.Bind(TargetArguments.Service, (reader, result) =>
        {
            var request = new Request(result.GetValue(file), result.GetValue(output)!, result.GetValue(older), result.GetValue(caFile),
                result.GetValue(helm)!, result.GetValue(keep), result.GetValue(why), time);
            if (result.GetValue(cluster) is not { } name)
                return RunAsync(reader, request, login.IsGiven(result));
            return TargetArguments.ReadOne(reader, name, () => login.Read(reader, result, time), time) is { } selection
                ? RunAsync(selection, request) : Task.FromResult(ExitCode.Refuse(reader.Problems));
        });
        return command;
    }

    private static async Task<int> RunAsync(OptionReader reader, Request request, bool hasLogin)
    {
        if (hasLogin)
            reader.Refuse("username", "is for --from-cluster; logins of other registries are those of docker login.");
        return reader.Problems.Count > 0 ? ExitCode.Refuse(reader.Problems)
            : request.File is null ? ExitCode.Refuse("Neither --file nor --from-cluster says what goes into the bundle.")
            : await BundleCommand.RunAsync(cancellationToken => RunAsync(request, [], cancellationToken));
    }

    private static Task<int> RunAsync(TargetSelection selection, Request request) =>
        selection.RunOnOneAsync(async (target, cancellationToken) =>
        {
            var backup = await RegistryBackup.ReadAsync(
                target.Client, target.Rule, ClusterRegistry.ServerName, $"registry of {target.Name}", cancellationToken);
            return await RunAsync(request, backup, cancellationToken);
        });

    /// <summary>Reads a list of content from a file, or from standard input for <c>-</c>.</summary>
    /// <exception cref="ContentException">It can't be read, is too long, or is not a list of content.</exception>
    internal static ContentList ReadList(string path) => ContentList.Parse(ReadText(path), path);

    private static async Task<int> RunAsync(Request request, IReadOnlyList<BundleItem> backup, CancellationToken cancellationToken)
    {
        ContentList list;
        string? ca;
        try
        {
            list = request.File is { } file ? ReadList(file) : ContentList.Empty;
            ca = request.CaFile is null ? null : ReadText(request.CaFile);
        }
        catch (ContentException exception)
        {
            return ExitCode.Refuse(exception.Message);
        }

        // Mistakes that would only show after everything has been fetched.
        RequireFolder(request.Output);
        var older = request.Older is null ? null : await ReadLockAsync(request.Older, cancellationToken);
        using var registries = new UpstreamRegistries(DockerConfig.Read(DockerConfig.DefaultPath, request.Time), ca, request.Time);
        var collector = new ContentCollector(registries, () => HelmProgram.Find(request.Helm, request.Time), request.Time);
        var folder = Path.GetDirectoryName(Path.GetFullPath(request.File ?? "."))!;
        using var collected = await collector.CollectAsync(list, folder, cancellationToken);
        if (collected.Problems.Count > 0)
            return Fail(collected.Problems);
        if (collected.Items.Count + backup.Count == 0)
            return ExitCode.Fail("There is nothing to put into a bundle: the list names nothing, and no registry had anything.");
        var options = new BundleOptions
        {
            Platforms = list.Platforms, KeepsIndexes = request.KeepsIndexes, OlderBundle = older, Time = request.Time,
        };
        var report = await BundleCommand.WriteAsync(
            request.Output, Path.GetFileName(request.Output), [.. collected.Items, .. backup], options, cancellationToken);
        foreach (var notice in report.Notices)
            Console.Error.WriteLine(TextTable.Printable(notice));
        if (request.Why)
            Console.Out.Write(BundleText.WriteReasons(report.Lock.Content));
        Console.Out.Write($"{request.Output}: {BundleText.Summarize(report.Lock)}\n");
        return ExitCode.Success;
    }

    private static async Task<BundleLock> ReadLockAsync(string path, CancellationToken cancellationToken)
    {
        using var source = await ContentArchive.OpenAsync(path, cancellationToken);
        return await BundleLock.ReadAsync(
            source as OciLayout ?? throw new ContentException($"{path} is not a bundle: it is a Docker archive."), cancellationToken);
    }

    private static void RequireFolder(string path)
    {
        if (Directory.Exists(path))
            throw new ContentException($"{path} is a folder; name the file to write.");
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
            throw new ContentException($"{path} can't be written: the folder {folder} does not exist.");
    }

    private static int Fail(IReadOnlyList<string> problems)
    {
        foreach (var problem in problems)
            Console.Error.WriteLine(TextTable.Printable(problem));
        return ExitCode.Failure;
    }

    private static string ReadText(string path)
    {
        try
        {
            using var reader = path == "-" ? Console.In : File.OpenText(path);
            var buffer = new char[LongestList + 1];
            var length = reader.ReadBlock(buffer);
            return length <= LongestList ? new string(buffer, 0, length)
                : throw new ContentException($"{path} is longer than {LongestList} characters.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ContentException($"{path} can't be read: {exception.Message}", exception);
        }
    }

    private sealed record Request(
        string? File, string Output, string? Older, string? CaFile, string Helm, bool KeepsIndexes, bool Why, TimeProvider Time);
}
