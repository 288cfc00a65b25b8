using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;

namespace CapiRegistryHook.Harness.Service;

/// <summary>The service as a process of its own: the published program, real HTTPS, a serving certificate of its own.</summary>
public sealed partial class HookService : IAsyncDisposable
{
    /// <summary>The hook's namespace on the management cluster in tests and in the demo.</summary>
    public const string Namespace = "capi-registry-hook-system";

    /// <summary>What a caller may set to something else. The reconciler is off, so that a test of hooks sees what hooks do.</summary>
    private static readonly (string Option, string Value)[] Defaults =
        [("--listen", "127.0.0.1:0"), ("--metrics-listen", "127.0.0.1:0"), ("--drain-delay", "0s"),
            ("--workload-allow-cidrs", "127.0.0.0/8"), ("--reconciler", "Off")];

    private static readonly TimeSpan StartBound = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan StopBound = TimeSpan.FromSeconds(60);

    /// <summary>Short, because benchmarks measure the start.</summary>
    private static readonly TimeSpan StartPause = TimeSpan.FromMilliseconds(1);

    private readonly ScratchFolder _folder;
    private readonly LoopbackAuthority _authority;
    private readonly ChildProcess _process;

    private HookService(ScratchFolder folder, LoopbackAuthority authority, ChildProcess process)
    {
        _folder = folder;
        _authority = authority;
        _process = process;
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; private set; } = new("https://127.0.0.1");

    /// <summary>Where it shows metrics, without TLS.</summary>
    public Uri MetricsAddress =>
        new(ListeningPlain().Match(Log) is { Success: true } match
            ? match.Groups[1].Value : throw new InvalidOperationException("It has no port for metrics."));

    /// <summary>The root that its serving certificate verifies against.</summary>
    public string CertificateAuthorityPem => _authority.CertificatePem;

    /// <summary>The process id.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Everything it has logged so far.</summary>
    public string Log => File.ReadAllText(_folder["service.log"]);

    /// <summary>Waits until it has logged these words: a line is written a moment after the deed that it tells of.</summary>
    public Task WaitForLogAsync(string words, CancellationToken cancellationToken) => Polling.UntilAsync(
        $"a line of the log with '{words}'", () => Task.FromResult(Log.Contains(words, StringComparison.Ordinal)), () => Log,
        cancellationToken);

    /// <summary>Waits until its metrics have this line.</summary>
    public async Task WaitForMetricAsync(string line, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var page = "";
        await Polling.UntilAsync(
            $"a line of the metrics, {line}",
            async () => (page = await http.GetStringAsync(new Uri(MetricsAddress, "/metrics"), cancellationToken)).Contains(
                line + "\n", StringComparison.Ordinal),
            () => page + Log, cancellationToken);
    }

    /// <summary>Starts the service and waits until it listens.</summary>
    /// <param name="managementKubeconfig">Its way to the management cluster, as YAML.</param>
    /// <param name="arguments">More arguments.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <param name="processors">The only ones that it runs on, as <c>taskset</c> names them; null for all.</param>
    public static async Task<HookService> StartAsync(
        string managementKubeconfig, IEnumerable<string> arguments, CancellationToken cancellationToken, string? processors = null)
    {
        var service = await LaunchAsync(managementKubeconfig, arguments, folder => folder["service.log"], processors);
        try
        {
            await service.WaitUntilListeningAsync(cancellationToken);
            return service;
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Starts the service with its output on a disk that is full from the first byte on; <see cref="Log"/> can't be read.
    /// </summary>
    /// <param name="managementKubeconfig">Its way to the management cluster, as YAML.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<HookService> StartWithFullDiskAsync(string managementKubeconfig, CancellationToken cancellationToken)
    {
        var port = LoopbackPort.Find();
        var service = await LaunchAsync(managementKubeconfig, ["--listen", $"127.0.0.1:{port}"], _ => "/dev/full");
        service.Address = new Uri($"https://127.0.0.1:{port}");
        using var http = service.CreateHttpClient();
        await Polling.UntilAsync(
            "the service", () => service.IsAnsweringAsync(http, cancellationToken), () => "(its log can't be written)", cancellationToken);
        return service;
    }

    /// <summary>The published program: <c>make publish</c> puts it there.</summary>
    public static string ProgramPath()
    {
        var path = Path.Combine(RepositoryRoot.Find(), "artifacts", "publish", "capi-registry-hook");
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} is missing; run 'make publish' first.", path);
    }

    /// <summary>Somebody who calls this service as Cluster API does.</summary>
    public ClusterApi CreateClusterApi() => new(Address, CertificateAuthorityPem);

    /// <summary>The same with a client certificate, over a version of HTTP.</summary>
    public ClusterApi CreateClusterApi(X509Certificate2? client, Version? http = null) =>
        new(Address, CertificateAuthorityPem, client, http);

    /// <summary>A client that trusts the service's certificate and nothing else; the caller disposes it.</summary>
    public HttpClient CreateHttpClient() => ClusterApi.CreateHttpClient(Address, CertificateAuthorityPem);

    /// <summary>Puts another certificate of the same authority into the files; the service finds it by itself.</summary>
    public void RenewServingCertificate()
    {
        var (certificate, key) = _authority.IssueServerPem();
        _folder.Write("serving.key", key);
        _folder.Write("serving.crt", certificate);
    }

    /// <summary>Resident memory in bytes, as the kernel counts it.</summary>
    public long ResidentBytes()
    {
        var line = File.ReadLines($"/proc/{ProcessId}/status").Single(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>
    /// Processor time since its start in seconds, as the kernel counts it: 100 ticks per second on every Linux that .NET runs on.
    /// </summary>
    public double ProcessorSeconds()
    {
        var fields = File.ReadAllText($"/proc/{ProcessId}/stat").Split(") ")[^1].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / 100.0;
    }

    /// <summary>True while the process runs.</summary>
    public bool IsRunning => !_process.HasExited;

    /// <summary>Asks the process to stop (SIGTERM), does not wait.</summary>
    public void Terminate() => _process.Terminate();

    /// <summary>Waits until the process has ended and returns its exit code.</summary>
    public async Task<int> WaitForExitAsync(CancellationToken cancellationToken)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bound.CancelAfter(StopBound);
        await _process.WaitForExitAsync(bound.Token);
        return _process.ExitCode;
    }

    /// <summary>Ends the process at once (SIGKILL).</summary>
    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _authority.Dispose();
        await _folder.DisposeAsync();
    }

    private async Task<bool> IsAnsweringAsync(HttpClient http, CancellationToken cancellationToken)
    {
        if (_process.HasExited)
            throw new InvalidOperationException($"The service ended with code {_process.ExitCode}.");
        try
        {
            using var answer = await http.GetAsync(new Uri("/readyz", UriKind.Relative), cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false; // nobody listens yet
        }
    }

    private static async Task<HookService> LaunchAsync(
        string managementKubeconfig, IEnumerable<string> arguments, Func<ScratchFolder, string> log, string? processors = null)
    {
        var folder = ScratchFolder.Create("capi-registry-hook-service-");
        var authority = LoopbackAuthority.Create(TimeProvider.System);
        var (certificate, key) = authority.IssueServerPem();
        string[] all = ["serve", "--hook-namespace", Namespace, "--kubeconfig", folder.Write("management.kubeconfig", managementKubeconfig),
            .. arguments];
        if (!all.Contains("--tls-source"))
            all = [.. all, "--tls-certificate-file", folder.Write("serving.crt", certificate), "--tls-key-file",
                folder.Write("serving.key", key)];
        foreach (var (option, value) in Defaults)
        {
            if (!all.Contains(option))
                all = [.. all, option, value];
        }

        var (program, whole) = processors is null
            ? (ProgramPath(), all) : ("taskset", ["--cpu-list", processors, ProgramPath(), .. all]);
        return new HookService(folder, authority, await ChildProcess.StartServerAsync(program, whole, log(folder)));
    }

    /// <summary>The last thing that is logged once every port is listened on.</summary>
    private bool HasStarted => File.Exists(_folder["service.log"]) && Log.Contains("Application started", StringComparison.Ordinal);

    private async Task WaitUntilListeningAsync(CancellationToken cancellationToken)
    {
        await Polling.UntilAsync(
            "the service listens",
            () => _process.HasExited
                ? throw new InvalidOperationException($"The service ended with code {_process.ExitCode}.\n{_process.LogTail()}")
                : Task.FromResult(HasStarted),
            _process.LogTail, cancellationToken, StartBound, StartPause);
        Address = new Uri(Listening().Match(Log).Groups[1].Value);
    }

    [GeneratedRegex("Now listening on: (https://[0-9.]+:[0-9]+)")]
    private static partial Regex Listening();

    [GeneratedRegex("Now listening on: (http://[0-9.]+:[0-9]+)")]
    private static partial Regex ListeningPlain();
}
