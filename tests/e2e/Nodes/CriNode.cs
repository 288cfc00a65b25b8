using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Nodes;

namespace CapiRegistryHook.EndToEnd.Tests.Nodes;

/// <summary>
/// A node on which containerd runs as under systemd: it reads its files when it starts, <c>systemctl</c> restarts it and says whether it
/// came back, and images are pulled as the kubelet does. Which containerd that is, CAPI_REGISTRY_HOOK_CONTAINERD says: the path of the
/// program, or a suite of Debian to take it from. Without it, it is that of trixie.
/// </summary>
internal sealed class CriNode : INodeRuntime
{
    /// <summary>The file that containerd reads when its unit names no other.</summary>
    public const string Main = "/etc/containerd/config.toml";

    private const string Setting = "CAPI_REGISTRY_HOOK_CONTAINERD";

    /// <summary>Only one of ours may be asked at a time, and each question has its answer: no restart is taken for another.</summary>
    private const string Supervisor = """
        cd "$0"
        mkfifo ask answer
        alive() { grep -qs '^State:.[RSDI]' "/proc/$pid/status"; }
        echo ready
        while read -r question <ask; do
          [ -z "$pid" ] || { kill "$pid"; wait "$pid"; }
          setpriv --pdeathsig KILL -- containerd >containerd.log 2>&1 &
          pid=$!
          until grep -q 'successfully booted' containerd.log || ! alive; do sleep 0.05; done
          if alive; then echo 0; else echo 1; fi >answer
        done
        """;

    private const string Systemctl = """
        #!/bin/sh
        [ "$1" = try-restart ] || exit 0
        echo "$1" >>"{0}/restarts"
        echo "$1" >"{0}/ask"
        exit "$(cat "{0}/answer")"

        """;

    private readonly NodeSandbox _sandbox;
    private readonly CriImages _images;

    /// <summary>True when a test that would do with <c>ctr</c> shall ask this node.</summary>
    public static bool IsChosen => Environment.GetEnvironmentVariable(Setting) is not null;

    private CriNode(NodeSandbox sandbox)
    {
        _sandbox = sandbox;
        _images = new CriImages(_sandbox["containerd.sock"]);
    }

    /// <summary>How often containerd was restarted since it runs.</summary>
    public int Restarts => File.Exists(_sandbox["restarts"]) ? File.ReadAllLines(_sandbox["restarts"]).Length - 1 : 0;

    /// <summary>What containerd has logged since its last start.</summary>
    public string Log => File.ReadAllText(_sandbox["containerd.log"]);

    /// <summary>The highest version of configuration files that containerd knows.</summary>
    public int ConfigurationVersion { get; private set; }

    /// <summary>Prepares a node; containerd does not run yet.</summary>
    public static async Task<CriNode> CreateAsync(NodeSandbox sandbox, CancellationToken cancellationToken)
    {
        var node = new CriNode(sandbox);
        await node.FurnishAsync(cancellationToken);
        return node;
    }

    /// <summary>Starts containerd as on a new node, before our files are there.</summary>
    /// <param name="main">Its main file; null for none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task StartAsync(string? main, CancellationToken cancellationToken)
    {
        foreach (var folder in new[] { "/etc/containerd/certs.d", "/etc/containerd/conf.d" })
        {
            if (Directory.Exists(_sandbox.Outside(folder)))
                Directory.Delete(_sandbox.Outside(folder), recursive: true);
        }

        File.Delete(_sandbox.Outside(Main));
        File.Delete(_sandbox["restarts"]);
        if (main is not null)
            _sandbox.Write(Main, main);
        await _sandbox.RunWellAsync("systemctl", ["try-restart", "containerd"], cancellationToken);
        await WaitAsync(cancellationToken);
    }

    public async Task<string?> PullAsync(string reference, CancellationToken cancellationToken)
    {
        await WaitAsync(cancellationToken);
        return (await _images.PullAsync(reference, cancellationToken)).Digest;
    }

    private Task WaitAsync(CancellationToken cancellationToken) =>
        Polling.UntilAsync("CRI", () => _images.IsReadyAsync(cancellationToken), () => Log, cancellationToken);

    private async Task FurnishAsync(CancellationToken cancellationToken)
    {
        // What containerd keeps is not on the machine: overlayfs needs a file system that is no overlay, and some paths can't be configured
        // without a main file.
        foreach (var folder in new[] { "root", "run", "opt" })
            Directory.CreateDirectory(_sandbox[folder]);
        await _sandbox.RunWellAsync("/bin/mount", ["-t", "tmpfs", "tmpfs", _sandbox["root"]], cancellationToken);
        await _sandbox.RunWellAsync("/bin/mount", ["--bind", _sandbox["run"], "/run"], cancellationToken);
        await _sandbox.RunWellAsync("/bin/mount", ["--bind", _sandbox["opt"], "/opt"], cancellationToken);
        await _sandbox.WriteProgramAsync("containerd", $"""
            #!/bin/sh
            export SSL_CERT_FILE=/etc/upstream-ca.crt
            exec {await ProgramAsync()} --root {_sandbox["root"]} --state /run/containerd --address {_sandbox["containerd.sock"]} "$@"

            """, cancellationToken);
        await _sandbox.WriteProgramAsync("systemctl", Systemctl.Replace("{0}", _sandbox[""], StringComparison.Ordinal), cancellationToken);
        await _sandbox.StartServerAsync(
            "supervisor",
            ["/usr/bin/env", $"PATH={_sandbox["bin"]}:/usr/sbin:/usr/bin:/sbin:/bin", "/bin/sh", "-c", Supervisor, _sandbox[""]],
            "ready", cancellationToken);
        var defaults = await _sandbox.RunWellAsync("containerd", ["config", "default"], cancellationToken);
        ConfigurationVersion = int.Parse(
            defaults.Split('\n').First(line => line.StartsWith("version = ", StringComparison.Ordinal))["version = ".Length..],
            System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task<string> ProgramAsync()
    {
        var chosen = Environment.GetEnvironmentVariable(Setting);
        return chosen?.StartsWith('/') == true ? chosen : await TestTools.PathOfAsync($"containerd@{chosen ?? "trixie"}");
    }
}
