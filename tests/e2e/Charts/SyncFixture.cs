using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>
/// A replica's sidecar beside two real registries on this machine: the script and the configuration that the chart renders, with other
/// addresses and paths, and the stand-in for regsync.
/// </summary>
internal sealed class SyncFixture : IAsyncDisposable
{
    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-sync-");
    private readonly ServerIdentity _identity = ServerIdentity.Create([], ["127.0.0.1"]);
    private readonly int _metricsPort = LoopbackPort.Find();
    private readonly string _pod;
    private string _programs = "";

    private SyncFixture(string pod) => _pod = pod;

    public string Source { get; } = $"127.0.0.1:{LoopbackPort.Find()}";

    public string Target { get; } = $"127.0.0.1:{LoopbackPort.Find()}";

    public bool IsFilled => File.Exists(_folder["filled"]);

    /// <summary>Replica 1 of two, whose primary is the source and whose own registry is the target.</summary>
    public static Task<SyncFixture> CreateAsync(CancellationToken cancellationToken) =>
        CreateAsync(new SyncFixture("registry-1"), "replicas=2", cancellationToken);

    /// <summary>The only replica, which fetches an image from the source every second.</summary>
    public static Task<SyncFixture> CreateFetchingAsync(string image, string target, CancellationToken cancellationToken)
    {
        var fixture = new SyncFixture("registry-0");
        const string Source = "sync.sources[0]";
        return CreateAsync(fixture, $"replicas=1,{Source}.registry={fixture.Source},{Source}.images[0].source={image},"
            + $"{Source}.images[0].target={target},{Source}.interval=1s,{Source}.caSecret=source-ca", cancellationToken);
    }

    private static async Task<SyncFixture> CreateAsync(SyncFixture fixture, string values, CancellationToken cancellationToken)
    {
        fixture._folder.Write("tls.crt", fixture._identity.CertificatePem);
        fixture._folder.Write("tls.key", fixture._identity.KeyPem);
        Directory.CreateDirectory(fixture._folder["ca"]);
        fixture._folder.Write("ca/ca.crt", fixture._identity.RootPem);
        var objects = await new HelmProgram("helm3").ObjectsAsync(ChartFolder.Open("registry").Path, cancellationToken, "--set",
            values);
        foreach (var (name, text) in objects.One("ConfigMap", "registry-sync")["data"]!.AsObject())
            fixture._folder.Write(name, fixture.Here((string)text!));
        fixture._programs = await ContainerProgram.ProgramsAsync(
            fixture._folder["bin"],
            ("regsync", Path.Combine(RepositoryRoot.Find(), "tests", "harness", "Cluster", "regsync-standin.sh")),
            ("skopeo", await TestTools.PathOfAsync("skopeo")), ("openssl", await TestTools.PathOfAsync("openssl")));
        return fixture;
    }

    /// <summary>Starts a registry with what it stored before.</summary>
    public Task<LocalRegistry> StartAsync(string address, CancellationToken cancellationToken)
    {
        var name = address.Split(':')[1];
        var configuration = _folder.Write($"{name}.config", $$"""
            version: 0.1
            log: { level: info }
            storage: { delete: { enabled: true }, filesystem: { rootdirectory: {{_folder[name]}} } }
            http: { addr: "{{address}}", tls: { certificate: {{_folder["tls.crt"]}}, key: {{_folder["tls.key"]}} } }
            """);
        return LocalRegistry.StartAsync(configuration, _folder[$"{name}.log"], cancellationToken);
    }

    /// <summary>The sidecar.</summary>
    public Task<ContainerProgram> StartSidecarAsync() => ContainerProgram.StartAsync(_folder["sync.sh"], _folder["sidecar.log"],
        Environment(), _programs);

    /// <summary>One pass by regsync alone.</summary>
    public async Task PassAsync(CancellationToken cancellationToken)
    {
        var run = await ContainerProgram.RunAsync(Environment(), _programs, cancellationToken, "regsync", "once", "--config",
            _folder["registry-1.yml"]);
        if (run.ExitCode != 0)
            throw new InvalidOperationException(run.Output + run.Errors);
    }

    public Skopeo Client(string address) => new(address, _identity.RootPem);

    public string Image(string content) => SmallImage.Write(_folder.Path, content);

    public async Task<string> DigestAsync(string address, string image, CancellationToken cancellationToken)
    {
        var inspected = await Client(address).InspectAsync(image, cancellationToken);
        return inspected.Succeeded ? (string)JsonNode.Parse(inspected.Output)!["Digest"]! : "";
    }

    /// <summary>A folder of a repository of the source, on its disk.</summary>
    public string Repository(string name) => Path.Combine(_folder[Source.Split(':')[1]], "docker", "registry", "v2", "repositories", name);

    /// <summary>What the sidecar tells Prometheus; empty between two answers.</summary>
    public async Task<string> MetricsAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        try
        {
            return await http.GetStringAsync(new Uri($"http://127.0.0.1:{_metricsPort}/metrics"), cancellationToken);
        }
        catch (HttpRequestException)
        {
            return "";
        }
    }

    public ValueTask DisposeAsync() => _folder.DisposeAsync();

    private string Here(string text) => text
        .Replace($"registry-0.registry-headless.{HelmProgram.Namespace}.svc.cluster.local:5000", Source, StringComparison.Ordinal)
        .Replace("127.0.0.1:5000", Target, StringComparison.Ordinal)
        .Replace("/etc/regsync/sources/0", _folder["ca"], StringComparison.Ordinal)
        .Replace("/etc/regsync/tls", _folder["ca"], StringComparison.Ordinal);

    private Dictionary<string, string> Environment() => new()
    {
        ["POD_NAME"] = _pod,
        ["FOLDER"] = _folder.Path,
        ["FILLED"] = _folder["filled"],
        ["INTERVAL"] = "1s",
        ["LOG_LEVEL"] = "info",
        ["METRICS_PORT"] = $"{_metricsPort}",
        ["WORK"] = _folder["work"],
    };
}
