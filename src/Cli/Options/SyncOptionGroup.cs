using System.Net;
using CapiRegistryHook.Delivery.Syncing;

namespace CapiRegistryHook.Cli.Options;

/// <summary>How registries are kept in sync; only <c>sync</c> takes these options.</summary>
internal static class SyncOptionGroup
{
    private const string SourceAllowCidrs = "sync-source-allow-cidrs";
    private const string Bundles = "sync-bundles";
    private const string MetricsListen = "metrics-listen";

    private static readonly OptionGroup<SyncOptions> Group = new OptionGroup<SyncOptions>(new())
        .Add("sync-workers", OptionKind.Number(1, 64), options => options.Workers, (options, value) => options with { Workers = value },
            "Clusters that are worked on at the same time. At most half of the workers fill registries, so that checks go on.")
        .Add("sync-streams", OptionKind.Number(1, 16), options => options.Streams, (options, value) => options with { Streams = value },
            "Blobs that are sent to one registry at the same time.")
        .Add("sync-interval", OptionKind.Duration(TimeSpan.FromSeconds(1), TimeSpan.FromHours(24)), options => options.Interval,
            (options, value) => options with { Interval = value },
            "How often a registry is asked whether it still holds its content, and a source what its tags stand for.")
        .Add("sync-verify-interval", OptionKind.Duration(TimeSpan.Zero, TimeSpan.FromHours(720)), options => options.Verify,
            (options, value) => options with { Verify = value },
            "How often every blob of a registry is looked for; 0s for never.")
        .Add("sync-cluster-bandwidth", OptionKind.Number(0, 100_000_000), options => (int)(options.ClusterBandwidth >> 10),
            (options, value) => options with { ClusterBandwidth = (long)value << 10 },
            "KiB per second that are sent to one registry; 0 for no limit.")
        .Add("sync-bandwidth", OptionKind.Number(0, 100_000_000), options => (int)(options.TotalBandwidth >> 10),
            (options, value) => options with { TotalBandwidth = (long)value << 10 },
            "KiB per second that are sent to all registries together; 0 for no limit.")
        .Add(Bundles, OptionKind.OptionalText, options => options.Bundles, (options, value) => options with { Bundles = value },
            "Folder of bundles, with a folder for each namespace whose contents may use them.", "none");

    private static readonly OptionGroup<string> Networks = new OptionGroup<string>("")
        .Add(SourceAllowCidrs, OptionKind.CommaSeparated, text => text, (_, text) => text,
            "CIDR blocks of loopback, link-local and other special addresses that sources of RegistryContents may have. "
                + "All other special addresses are refused.", "none");

    /// <summary>Where sources may lie.</summary>
    public static IReadOnlyList<ServiceOption> Sources => Networks.Options;

    /// <summary>Those of the syncer.</summary>
    public static IReadOnlyList<ServiceOption> Own { get; } = [.. Group.Options, .. Networks.Options];

    /// <summary>Every option of the command.</summary>
    public static IReadOnlyList<ServiceOption> Options { get; } =
    [
        .. Own, .. RegistryOptionGroup.Variable,
        .. RegistryOptionGroup.Options.Where(
            option => option.Name is "hook-namespace" or "workload-allow-cidrs" or "content-shared-namespaces"),
        RegistryOptionGroup.Namespaces, .. ReconcilerOptionGroup.Options.Where(option => option.Name is "lease-duration"),
        .. ListenOptionGroup.Options.Where(option => option.Name == MetricsListen),
        .. ManagementOptionGroup.Options, .. LogOptionGroup.Options,
    ];

    /// <summary>What was set, with what other options say to the syncer.</summary>
    public static SyncOptions Read(OptionReader reader)
    {
        var options = Group.Read(reader);
        if (options.Bundles is { } folder && !Directory.Exists(folder))
            reader.Refuse(Bundles, $"names the folder {folder}, which does not exist.");
        return options with { AllowedSourceNetworks = [.. ReadNetworks(reader)], Lease = ReconcilerOptionGroup.Read(reader).Lease };
    }

    /// <summary>Where metrics and health are served.</summary>
    public static IPEndPoint? ReadListen(OptionReader reader)
    {
        var endpoint = ListenOptionGroup.ReadMetrics(reader);
        if (endpoint is null)
            reader.Refuse(MetricsListen, "is empty, but the health of the syncer is served there; set an address and a port.");
        return endpoint;
    }

    /// <summary>The blocks of <see cref="Sources"/>.</summary>
    public static IEnumerable<IPNetwork> ReadNetworks(OptionReader reader)
    {
        foreach (var block in Networks.Read(reader).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (IPNetwork.TryParse(block, out var network))
                yield return network;
            else
                reader.Refuse(SourceAllowCidrs, $"has the value \"{block}\"; use CIDR blocks like 127.0.0.0/8, with commas between.");
        }
    }
}
