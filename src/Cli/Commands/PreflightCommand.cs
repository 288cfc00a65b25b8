using System.CommandLine;
using System.Net;
using System.Text.Json;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Preflight;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Says what would keep a Cluster from getting its registry, before it is created or enabled.</summary>
internal static class PreflightCommand
{
    private const string File = "file";

    public static Command Build(TimeProvider time)
    {
        var cluster = new Argument<string?>("NAMESPACE/NAME")
        {
            Description = "A Cluster on the management cluster.", Arity = ArgumentArity.ZeroOrOne,
        };
        var file = new Option<string?>(
            "--file", "-f") { Description = "Manifest with Clusters that are to be created; - reads standard input." };
        var extension = Name("--extension-config", "Name of the service's ExtensionConfig.");
        var account = Name("--service-account", "Name of the service's ServiceAccount, in --hook-namespace.");
        var output = OutputFormat.Option();
        var command = new Command("preflight", "Check what a Cluster's registry needs, and change nothing.")
        {
            cluster, file, extension, account, output,
        };
        command.Bind([.. RegistryOptionGroup.Options, .. SyncOptionGroup.Sources, .. ManagementOptionGroup.Options], (reader, result) =>
        {
            var isJson = OutputFormat.IsJson(reader, result.GetValue(output)!);
            var (name, path) = (result.GetValue(cluster), result.GetValue(file));
            if ((name is null) == (path is null))
                reader.Refuse(File, "or NAMESPACE/NAME says which Cluster is meant; use exactly one of them.");
            var key = default(ClusterKey);
            if (name is not null && !ClusterKey.TryParse(name, out key))
                reader.Refuse("NAMESPACE/NAME", $"is {FieldText.Quote(name)}; write NAMESPACE/NAME.");
            var registry = RegistryOptionGroup.Read(reader);
            var management = ManagementOptionGroup.Read(reader);
            var manifest = path is null ? [] : ReadManifest(reader, path);
            var service = new InstalledService(result.GetValue(extension)!, result.GetValue(account)!);
            var sources = SyncOptionGroup.ReadNetworks(reader).ToList();
            return reader.Problems.Count > 0 ? Task.FromResult(ExitCode.Refuse(reader.Problems))
                : RunAsync(new Request(name is null ? null : key, manifest, service, management, registry, sources, isJson, time));
        });
        return command;
    }

    private static Option<string> Name(string name, string description) =>
        new(name) { Description = description, DefaultValueFactory = _ => "capi-registry-hook" };

    private static IReadOnlyList<Cluster> ReadManifest(OptionReader reader, string path)
    {
        try
        {
            using var text = path == "-" ? Console.In : System.IO.File.OpenText(path);
            return ClusterManifest.Read(BoundedYaml.ReadText(text));
        }
        catch (ClusterFormatException exception)
        {
            reader.Refuse(File, $"names {path}: {exception.Message}");
        }
        catch (Exception exception)
            when (exception is IOException or InvalidDataException or UnauthorizedAccessException or ArgumentException)
        {
            reader.Refuse(File, $"names {path}, which can't be read: it must be a manifest of at most 1 Mi characters.");
        }

        return [];
    }

    private static async Task<int> RunAsync(Request request)
    {
        using var interruption = new Interruption();
        try
        {
            using var preflight = RegistryPreflight.Connect(request.Management, request.Registry, request.Time);
            using var contents = ContentFleet.Connect(request.Management, request.Registry, request.Time);
            var reports = new List<(Cluster Cluster, IReadOnlyList<PreflightFinding> Findings)>();
            await foreach (var (cluster, exists) in FindAsync(preflight, request, interruption.Token))
            {
                var planned = preflight.Plan(cluster);
                var parts = await Task.WhenAll(
                    preflight.RunAsync(planned, exists, request.Service, interruption.Token),
                    ImagePreflight.RunAsync(planned.Images, request.Time, interruption.Token),
                    ContentPreflight.RunAsync(contents, cluster, planned.Room, request.Sources, request.Time, interruption.Token));
                reports.Add((cluster, [.. parts.SelectMany(part => part)]));
            }

            Console.Out.Write(request.IsJson ? WriteJson(reports) : string.Join("\n", reports.Select(WriteTable)));
            return reports.Exists(report => report.Findings.Any(finding => finding.Verdict == PreflightVerdict.Failed))
                ? ExitCode.Failure : ExitCode.Success;
        }
        catch (ManagementConnectionException exception)
        {
            return ExitCode.Refuse(exception.Message);
        }
        catch (PreflightException exception)
        {
            return ExitCode.Fail(exception.Message);
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            return ExitCode.Fail("Interrupted.");
        }
    }

    /// <summary>A Cluster of the manifest that is there already is checked as the manifest wants it.</summary>
    private static async IAsyncEnumerable<(Cluster Cluster, bool Exists)> FindAsync(
        RegistryPreflight preflight, Request request,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (request.Key is { } key)
            yield return (await preflight.FindAsync(key, cancellationToken)
                ?? throw new PreflightException($"There is no Cluster {key} on the management cluster; check its manifest with -f."), true);
        foreach (var cluster in request.Manifest)
            yield return (cluster, await preflight.FindAsync(
                new ClusterKey(cluster.Metadata.Namespace!, cluster.Metadata.Name!), cancellationToken) is not null);
    }

    private static string WriteTable((Cluster Cluster, IReadOnlyList<PreflightFinding> Findings) report) =>
        $"Cluster {report.Cluster.DisplayName}\n" + TextTable.Write(["CHECK", "RESULT", "FINDING"], report.Findings.SelectMany(Rows));

    /// <summary>The remedy stands below what it is for.</summary>
    private static IEnumerable<string[]> Rows(PreflightFinding finding)
    {
        yield return [finding.Check, Word(finding.Verdict), finding.Sentence];
        if (finding.Remedy is { } remedy)
            yield return ["", "", "-> " + remedy];
    }

    private static string WriteJson(List<(Cluster Cluster, IReadOnlyList<PreflightFinding> Findings)> reports) =>
        OutputFormat.WriteJson(json =>
    {
        json.WriteStartArray("clusters");
        foreach (var (cluster, findings) in reports)
        {
            json.WriteStartObject();
            json.WriteString("namespace", cluster.Metadata.Namespace);
            json.WriteString("name", cluster.Metadata.Name);
            json.WriteStartArray("findings");
            foreach (var finding in findings)
                Write(json, finding);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static void Write(Utf8JsonWriter json, PreflightFinding finding)
    {
        json.WriteStartObject();
        json.WriteString("check", finding.Check);
        json.WriteString("result", Word(finding.Verdict));
        json.WriteString("finding", finding.Sentence);
        json.WriteString("remedy", finding.Remedy);
        json.WriteEndObject();
    }

    private static string Word(PreflightVerdict verdict) => verdict.ToString().ToLowerInvariant();

    private sealed record Request(
        ClusterKey? Key, IReadOnlyList<Cluster> Manifest, InstalledService Service, ManagementConnection Management,
        RegistryOptions Registry, IReadOnlyList<IPNetwork> Sources, bool IsJson, TimeProvider Time);
}
