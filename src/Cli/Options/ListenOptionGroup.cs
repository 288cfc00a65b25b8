using System.Net;
using CapiRegistryHook.Hooks.Serving;

namespace CapiRegistryHook.Cli.Options;

/// <summary>Where the service listens, and whom it answers.</summary>
internal static class ListenOptionGroup
{
    private const string Listen = "listen";
    private const string MetricsListen = "metrics-listen";
    private const string ClientCaFile = "client-ca-file";
    private const string ClientNames = "client-names";

    private static readonly OptionGroup<ListenOptions> Group =
        new OptionGroup<ListenOptions>(new() { CertificateFile = "", KeyFile = "" })
        .Add(Listen, OptionKind.Endpoint, options => options.Endpoint, (options, value) => options with { Endpoint = value },
            "Address and port to listen on.")
        .Add(MetricsListen, OptionKind.OptionalEndpoint, options => options.Metrics, (options, value) => options with { Metrics = value },
            "Address and port for /metrics, /healthz and /readyz without TLS; empty for none.")
        .Add(ClientCaFile, OptionKind.OptionalText, options => options.ClientCaFile,
            (options, value) => options with { ClientCaFile = value },
            "CA as PEM that must have issued the client certificate of a hook's caller. Read again when it changes. The chart and the "
                + "health endpoints need no client certificate.", "none; anyone who can reach the port may call")
        .Add(ClientNames, OptionKind.List, options => [.. options.ClientNames],
            (options, value) => options with { ClientNames = value.ToHashSet(StringComparer.Ordinal) },
            "Names that may call the hooks: common names, DNS names or URIs of client certificates, as exact matches.",
            "every certificate of that CA")
        .Add("drain-delay", OptionKind.Duration(TimeSpan.Zero, TimeSpan.FromSeconds(60)), options => options.DrainDelay,
            (options, value) => options with { DrainDelay = value },
            "How long to keep answering after a request to stop.");

    public static IReadOnlyList<ServiceOption> Options => Group.Options;

    /// <summary>Where metrics and health are served without TLS; null for nowhere.</summary>
    public static IPEndPoint? ReadMetrics(OptionReader reader) =>
        Group.Read(reader, new ListenOptions { CertificateFile = "", KeyFile = "" }).Metrics;

    /// <summary><paramref name="start"/> with what was set, checked as a whole.</summary>
    public static ListenOptions Read(OptionReader reader, ListenOptions start)
    {
        var options = Group.Read(reader, start);
        if (options.Endpoint.Port != 0 && options.Endpoint.Equals(options.Metrics))
            reader.Refuse(
                MetricsListen, $"has the value \"{options.Metrics}\", which {reader.SourceOf(Listen)} has too; use another port.");
        reader.RequireFile(ClientCaFile);
        if (options.ClientNames.Count > 0 && options.ClientCaFile is null)
            reader.Refuse(ClientNames, $"needs a CA that vouches for the names; set --{ClientCaFile} too.");
        return options;
    }
}
