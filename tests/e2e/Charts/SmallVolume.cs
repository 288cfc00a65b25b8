using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>
/// A real registry and the chart's own guard over a volume of a few megabytes, as two containers of a pod are: without the rights of root
/// to files that their permissions refuse. The volume is a tmpfs that only they see.
/// </summary>
internal sealed class SmallVolume : IAsyncDisposable
{
    private const string Mount = """
        mount -t tmpfs -o "size=$1" tmpfs "$2" && shift 2 &&
        exec setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search -- "$@"
        """;

    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-volume-");
    private readonly ServerIdentity _identity = ServerIdentity.Create([], ["127.0.0.1"]);
    private readonly string _address = $"127.0.0.1:{LoopbackPort.Find()}";
    private SocketsHttpHandler? _handler;
    private ChildProcess? _process;

    public RegistryClient Client { get; private set; } = null!;

    /// <summary>The authority that verifies the registry, and its host and port.</summary>
    public (string RootPem, string Address) Access => (_identity.RootPem, _address);

    /// <summary>What the registry and the guard have said.</summary>
    public string Log => File.ReadAllText(_folder["pod.log"]);

    /// <param name="size">The size of the volume, as mount takes it.</param>
    /// <param name="mark">The fill level from which on it takes no pushes, in percent.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<SmallVolume> StartAsync(string size, int mark, CancellationToken cancellationToken)
    {
        var volume = new SmallVolume();
        await volume.StartPodAsync(size, mark, cancellationToken);
        return volume;
    }

    /// <summary>Runs a script where the volume is; its name is the first argument.</summary>
    public async Task<string> RunAsync(string script, CancellationToken cancellationToken) => await ProgramRun.OutputOfAsync(
        "nsenter", [$"--target={_process!.Id}", "--mount", "sh", "-euc", script, _folder["data"], _folder["config.yml"],
            await TestTools.PathOfAsync("docker-registry")], cancellationToken);

    public async ValueTask DisposeAsync()
    {
        _handler?.Dispose();
        if (_process is not null)
            await _process.DisposeAsync();
        await _folder.DisposeAsync();
    }

    private async Task StartPodAsync(string size, int mark, CancellationToken cancellationToken)
    {
        var programs = await ContainerProgram.ProgramsAsync(
            _folder["bin"], ("registry", await TestTools.PathOfAsync("docker-registry")));
        Directory.CreateDirectory(_folder["data"]);
        _folder.Write("tls.crt", _identity.CertificatePem);
        _folder.Write("tls.key", _identity.KeyPem);
        _folder.Write("config.yml", $$"""
            version: 0.1
            log: { accesslog: { disabled: true } }
            storage: { delete: { enabled: true }, cache: { blobdescriptor: inmemory }, filesystem: { rootdirectory: {{_folder["data"]}} } }
            http: { addr: "{{_address}}", secret: fixed, tls: { certificate: {{_folder["tls.crt"]}}, key: {{_folder["tls.key"]}} } }
            """);
        _folder.Write("guard.sh", await GuardAsync(cancellationToken));
        var pod = _folder.Write("pod.sh", $"sh {_folder["guard.sh"]} & exec registry serve {_folder["config.yml"]}\n");
        _process = await ChildProcess.StartServerAsync("/usr/bin/unshare",
        [
            "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", Mount, "sh", size, _folder["data"],
            "/usr/bin/env", "-i", $"PATH={programs}", $"MARK={mark}", "SECONDS_BETWEEN=1", "DISCARD_MINUTES=10", "sh", pod,
        ], _folder["pod.log"]);
        await Polling.UntilAsync("the registry", () => Task.FromResult(_process.LogContains("listening on")), _process.LogTail,
            cancellationToken);
        _handler = RegistryTransport.Create(_identity.RootPem);
        Client = new RegistryClient(_handler, new Uri($"https://{_address}"), new RegistryOptions
        {
            ChunkSize = 1 << 20, Retry = new RetryPolicy(2, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1)),
        });
    }

    private async Task<string> GuardAsync(CancellationToken cancellationToken)
    {
        var chart = ChartFolder.Open("registry");
        var objects = await new HelmProgram("helm3").ObjectsAsync(
            chart.Path, cancellationToken, "--values", chart.File("ci/one-replica-values.yaml"));
        var pod = objects.One("StatefulSet", "registry")["spec"]!["template"]!.AsObject();
        var script = (string)pod.Containers().Single(entry => (string)entry["name"]! == "guard")["command"]![2]!;
        return script.Replace("/var/lib/registry", _folder["data"], StringComparison.Ordinal);
    }
}
