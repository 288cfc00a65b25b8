using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Nodes;

namespace CapiRegistryHook.EndToEnd.Tests.Nodes;

/// <summary>What pulls images on a node.</summary>
internal interface INodeRuntime
{
    /// <summary>Pulls an image as if it were not there, and returns the digest; null when it can't be had.</summary>
    Task<string?> PullAsync(string reference, CancellationToken cancellationToken);
}

/// <summary>containerd 1.6 without its CRI plugin. Its own client pulls, by the hosts files and no configuration.</summary>
internal sealed class CtrNode : INodeRuntime
{
    private readonly NodeSandbox _sandbox;

    private CtrNode(NodeSandbox sandbox) => _sandbox = sandbox;

    public static async Task<CtrNode> StartAsync(NodeSandbox sandbox, CancellationToken cancellationToken)
    {
        sandbox.Write("/etc/containerd/test.toml", $"""
            version = 2
            root = "{sandbox["containerd-root"]}"
            state = "{sandbox["containerd-state"]}"
            disabled_plugins = ["io.containerd.grpc.v1.cri"]
            [grpc]
              address = "{sandbox["containerd.sock"]}"
            """);
        await sandbox.StartServerAsync("containerd", [await TestTools.PathOfAsync("containerd"), "--config", "/etc/containerd/test.toml"],
            "containerd successfully booted", cancellationToken);
        return new CtrNode(sandbox);
    }

    public async Task<string?> PullAsync(string reference, CancellationToken cancellationToken)
    {
        var ctr = await TestTools.PathOfAsync("ctr");
        string[] common = ["--address", _sandbox["containerd.sock"], "--namespace", "test", "images"];
        await _sandbox.RunAsync(ctr, [.. common, "remove", "--sync", reference], cancellationToken);
        var pull = await _sandbox.RunAsync(
            ctr, [.. common, "pull", "--snapshotter", "native", "--hosts-dir", "/etc/containerd/certs.d", reference], cancellationToken,
            new Dictionary<string, string?> { ["SSL_CERT_FILE"] = "/etc/upstream-ca.crt" });
        if (pull.ExitCode != 0)
            return null;
        var list = await _sandbox.RunWellAsync(ctr, [.. common, "list", $"name=={reference}"], cancellationToken);
        return list.Split(' ', StringSplitOptions.RemoveEmptyEntries).First(word => word.StartsWith("sha256:", StringComparison.Ordinal));
    }
}
