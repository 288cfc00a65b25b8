using System.Net;

namespace CapiRegistryHook.Harness.Nodes;

/// <summary>
/// A place like a node: a network of its own, and an <c>/etc</c> of its own in which the files of nodes lie at their real paths. Nothing
/// outside changes, and all of it ends with this process. Needs root.
/// </summary>
public sealed class NodeSandbox : IAsyncDisposable
{
    private const string Setup = """
        set -e
        cp -a /etc "$0/etc"
        rm -rf "$0/etc/containerd"
        mkdir -p "$0/etc/containerd" "$0/bin"
        mount --bind "$0/etc" /etc
        "$1" link set lo up
        touch "$0/ready"
        exec sleep infinity
        """;

    private readonly ScratchFolder _folder;
    private readonly ChildProcess _holder;
    private readonly Dictionary<string, ChildProcess> _servers = [];
    private readonly string _ip;

    private NodeSandbox(ScratchFolder folder, ChildProcess holder, string ip)
    {
        _folder = folder;
        _holder = holder;
        _ip = ip;
    }

    /// <summary>A folder for files that are no node's.</summary>
    public string this[string name] => _folder[name];

    /// <summary>Makes a sandbox. Disposing it ends everything in it.</summary>
    public static async Task<NodeSandbox> CreateAsync(CancellationToken cancellationToken)
    {
        var folder = ScratchFolder.Create("capi-registry-hook-node-");
        var ip = await TestTools.PathOfAsync("ip");
        var holder = await ChildProcess.StartServerAsync(
            "/usr/bin/unshare", ["--net", "--mount", "/bin/sh", "-c", Setup, folder.Path, ip], folder["sandbox.log"]);
        await Polling.UntilAsync("the sandbox", () => Task.FromResult(File.Exists(folder["ready"])), holder.LogTail, cancellationToken);
        return new NodeSandbox(folder, holder, ip);
    }

    /// <summary>Gives the sandbox's network one more address.</summary>
    public Task AddAddressAsync(IPAddress address, CancellationToken cancellationToken) =>
        RunWellAsync(_ip, ["addr", "add", $"{address}/32", "dev", "lo"], cancellationToken);

    /// <summary>Where a path below <c>/etc</c> lies outside of the sandbox.</summary>
    public string Outside(string path) =>
        path.StartsWith("/etc/", StringComparison.Ordinal)
            ? _folder.Path + path : throw new ArgumentException($"{path} is not below /etc.", nameof(path));

    /// <summary>Writes a file below <c>/etc</c>.</summary>
    public void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Outside(path))!);
        File.WriteAllText(Outside(path), text);
    }

    /// <summary>Puts a program of the test's own in front of all others.</summary>
    public async Task WriteProgramAsync(string name, string script, CancellationToken cancellationToken)
    {
        var path = this[$"bin/{name}"];
        await File.WriteAllTextAsync(path, script, cancellationToken);
        await RunWellAsync("/bin/chmod", ["755", path], cancellationToken);
    }

    /// <summary>Runs a program in the sandbox to its end.</summary>
    public Task<ProgramRun> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken,
        IReadOnlyDictionary<string, string?>? environment = null)
    {
        var all = new Dictionary<string, string?>(
            environment ?? new Dictionary<string, string?>()) { ["PATH"] = $"{this["bin"]}:{Environment.GetEnvironmentVariable("PATH")}" };
        return ProgramRun.RunAsync("/usr/bin/nsenter", [.. Enter(), program, .. arguments], cancellationToken, environment: all);
    }

    /// <summary>Runs a program that has to succeed, and returns what it said.</summary>
    /// <exception cref="InvalidOperationException">It did not.</exception>
    public async Task<string> RunWellAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var run = await RunAsync(program, arguments, cancellationToken);
        return run.ExitCode == 0
            ? run.Output : throw new InvalidOperationException($"{Path.GetFileName(program)}: {run.Errors}{run.Output}");
    }

    /// <summary>Starts a server in the sandbox, and waits until it says that it is up.</summary>
    /// <param name="name">Of its log.</param>
    /// <param name="command">Its path and its arguments.</param>
    /// <param name="ready">What it logs then.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task StartServerAsync(string name, IEnumerable<string> command, string ready, CancellationToken cancellationToken)
    {
        var server = await ChildProcess.StartServerAsync("/usr/bin/nsenter", [.. Enter(), .. command], this[$"{name}.log"]);
        _servers.Add(name, server);
        await Polling.UntilAsync(
            name, () => Task.FromResult(server.HasExited || server.LogContains(ready)), server.LogTail, cancellationToken);
        if (server.HasExited)
            throw new InvalidOperationException($"{name} ended: {server.LogTail()}");
    }

    /// <summary>Ends a server.</summary>
    public async Task StopServerAsync(string name)
    {
        if (_servers.Remove(name, out var server))
            await server.DisposeAsync();
    }

    /// <summary>What a server has logged.</summary>
    public string LogOf(string name) => File.ReadAllText(this[$"{name}.log"]);

    /// <summary>Ends everything in the sandbox.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var name in _servers.Keys.ToList())
            await StopServerAsync(name);

        await _holder.DisposeAsync();
        await _folder.DisposeAsync();
    }

    private IEnumerable<string> Enter() => ["--target", $"{_holder.Id}", "--net", "--mount", "--"];
}
