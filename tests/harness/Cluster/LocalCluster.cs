using System.Net;

namespace CapiRegistryHook.Harness.Cluster;

/// <summary>
/// A real Kubernetes 1.20 with one node, made by <c>cluster.sh</c> in namespaces of this machine. It ends when this process does,
/// however that comes about, and leaves nothing behind after <see cref="DisposeAsync"/>; what a crash leaves, the next start removes.
/// </summary>
public sealed class LocalCluster : IWorkloadCluster
{
    private const int TailLength = 1000;

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(180);

    private static int _started;

    private readonly string _state;
    private ChildProcess? _process;

    private LocalCluster(string name, string state)
    {
        Name = name;
        _state = state;
        Kubeconfig = File.ReadAllText(KubeconfigFile);
        var access = ClusterAccess.Read(Kubeconfig);
        Address = access.Server;
        CertificateAuthorityPem = access.CertificateAuthorityPem;
        Token = access.Token!;
        HostAddress = IPAddress.Parse(File.ReadAllText(Path.Combine(state, "host-address")).Trim());
        Node = new ClusterNode(["/bin/bash", ScriptPath, "shell", name]);
    }

    public string Name { get; }

    public Uri Address { get; }

    public string CertificateAuthorityPem { get; }

    public string Token { get; }

    public string Kubeconfig { get; }

    public string KubeconfigFile => Path.Combine(_state, "kubeconfig");

    public string ServiceNetwork => "10.96.0.0/16";

    public IPAddress HostAddress { get; }

    public ClusterNode Node { get; }

    private static string ScriptPath => Path.Combine(RepositoryRoot.Find(), "tests", "harness", "Cluster", "cluster.sh");

    /// <summary>Starts it and waits until the node is ready: about 20 s. The first time on a machine builds Kubernetes.</summary>
    public static async Task<LocalCluster> StartAsync(TextWriter progress, CancellationToken cancellationToken)
    {
        // The script ends clusters whose name has the id of a process that is gone.
        var name = $"test-{Environment.ProcessId}-{Interlocked.Increment(ref _started)}";
        var state = await HarnessScript.RunAsync("Cluster/cluster.sh", ["prepare", name], progress, cancellationToken);
        var cluster = new LocalCluster(name, state);
        try
        {
            cluster._process =
                await ChildProcess.StartServerAsync("/bin/bash", [ScriptPath, "hold", name], Path.Combine(state, "hold.log"));
            await cluster.WaitUntilReadyAsync(progress, cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public Task<string> ProvideImageAsync(TestImage image, CancellationToken cancellationToken) =>
        LocalImages.ImportAsync(Node, image, cancellationToken);

    public async Task SaveLogsAsync(string folder, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        foreach (var log in new DirectoryInfo(LogFolder).EnumerateFiles("*.log"))
            await File.WriteAllTextAsync(
                Path.Combine(folder, log.Name), ReadShared(log.FullName), cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();

        _process = null;
        (await OutsideCommand.RunAsync("/bin/bash", [ScriptPath, "down", Name], CancellationToken.None)).OutputOfSuccess();
    }

    private string LogFolder => Path.Combine(_state, "node", "var", "log");

    private async Task WaitUntilReadyAsync(TextWriter progress, CancellationToken cancellationToken)
    {
        var said = 0;
        await Polling.UntilAsync($"the cluster {Name} is ready", async () =>
        {
            said += await TellAsync(progress, said);
            return File.Exists(Path.Combine(_state, "node", "run", "cluster-ready")) || (_process!.HasExited
                ? throw new InvalidOperationException($"The cluster {Name} ended with code {_process.ExitCode}.\n{_process.LogTail()}")
                : false);
        }, LastWords, cancellationToken, Bound);
    }

    private async Task<int> TellAsync(TextWriter progress, int said)
    {
        var file = Path.Combine(_state, "node", "run", "progress");
        if (!File.Exists(file))
            return 0;

        var lines = (await File.ReadAllLinesAsync(file)).Skip(said).ToList();
        foreach (var line in lines)
            await progress.WriteLineAsync($"cluster {Name}: {line}");
        return lines.Count;
    }

    private string LastWords() => string.Concat(new DirectoryInfo(LogFolder).EnumerateFiles("*.log").Select(log =>
    {
        var text = ReadShared(log.FullName);
        return $"{log.Name}: {text[Math.Max(0, text.Length - TailLength)..]}\n";
    }));

    // The cluster goes on writing.
    private static string ReadShared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd();
    }
}
