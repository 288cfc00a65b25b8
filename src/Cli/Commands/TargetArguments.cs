using System.CommandLine;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>The options that say which registries a command is for: clusters by the management cluster, or any registry over TLS.</summary>
internal sealed class TargetArguments
{
    private readonly Option<string[]> _clusters = new("--cluster")
    {
        Description = "Clusters, as NAMESPACE/NAME.", AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> _selector = new("--selector", "-l")
    {
        Description = "All Clusters with a registry that this label selector matches, for example env=prod.",
    };

    private readonly Option<bool> _all = new("--all") { Description = "All Clusters with a registry." };

    private readonly Option<string?> _registry = new("--registry")
    {
        Description = "Any registry over TLS instead, as HOST or HOST:PORT.",
    };

    private readonly Option<string?> _caFile = new("--ca-file")
    {
        Description = "CA certificates in PEM that verify --registry. [default: those of this machine]",
    };

    private readonly LoginArguments _login = new();

    /// <summary>The options of the service that say where the management cluster is and how Clusters are read.</summary>
    public static IReadOnlyList<ServiceOption> Service { get; } =
        [.. RegistryOptionGroup.Variable, .. RegistryOptionGroup.Options.Where(option => option.Name == "workload-allow-cidrs"),
            RegistryOptionGroup.Namespaces, .. ManagementOptionGroup.Options];

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _clusters, _selector, _all, _registry, _caFile })
            command.Options.Add(option);
        _login.AddTo(command);
    }

    /// <summary>Adds them to a command, and runs it on the registries that are meant.</summary>
    /// <param name="command">The command.</param>
    /// <param name="time">The clock.</param>
    /// <param name="read">Reads its other arguments; what it returns runs when none of all was refused.</param>
    public void Bind(Command command, TimeProvider time, Func<OptionReader, ParseResult, Func<TargetSelection, Task<int>>> read)
    {
        AddTo(command);
        command.Bind(Service, (reader, result) =>
        {
            var run = read(reader, result);
            return Read(reader, result, time) is { } selection ? run(selection) : Task.FromResult(ExitCode.Refuse(reader.Problems));
        });
    }

    /// <summary>What was asked for; null when it can't be used, which the reader's problems say.</summary>
    public TargetSelection? Read(OptionReader reader, ParseResult result, TimeProvider time)
    {
        var clusters = result.GetValue(_clusters) ?? [];
        foreach (var name in clusters.Where(name => ParseKey(name) is null))
            reader.Refuse("cluster", $"has {FieldText.Quote(name)}; write NAMESPACE/NAME, and other arguments before it.");
        var host = result.GetValue(_registry);
        var ways = new[] { clusters.Length > 0, result.GetValue(_selector) is not null, result.GetValue(_all), host is not null };
        if (ways.Count(way => way) != 1)
            reader.Refuse("cluster", "or one of --selector, --all and --registry says which registry is meant; use exactly one of them.");
        var trust = reader.ReadPem("ca-file", result.GetValue(_caFile));
        if (result.GetValue(_caFile) is not null && host is null)
            reader.Refuse("ca-file", "is for --registry; a cluster's registry is verified by its own trust bundle.");
        var registry = RegistryOptionGroup.Read(reader);
        var management = ManagementOptionGroup.Read(reader);
        var logins = _login.Read(reader, result, time);
        return reader.Problems.Count > 0 ? null : new TargetSelection(
            [.. clusters.Select(ParseKey).OfType<ClusterKey>().Distinct()], result.GetValue(_selector), host, trust, logins!, management,
            registry, time);
    }

    /// <summary>The same for a command on one Cluster.</summary>
    public static TargetSelection? ReadOne(OptionReader reader, string cluster, Func<TargetLogins?> readLogins, TimeProvider time)
    {
        if (ParseKey(cluster) is null)
            reader.Refuse($"{FieldText.Quote(cluster)} is not the name of a Cluster; write NAMESPACE/NAME.");
        var registry = RegistryOptionGroup.Read(reader);
        var management = ManagementOptionGroup.Read(reader);
        var logins = readLogins();
        return reader.Problems.Count > 0 ? null
            : new TargetSelection(
                [ParseKey(cluster)!.Value], Selector: null, Host: null, TrustPem: null, logins!, management, registry, time);
    }

    private static ClusterKey? ParseKey(string text) => ClusterKey.TryParse(text, out var key) ? key : null;
}
