using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;

/// <summary>
/// What another node than the one there is would have in its certs.d: the registry's addresses, and a CA file of its own.
/// </summary>
internal sealed class NodeHosts : IAsyncDisposable
{
    private readonly ClusterNode _node;

    private NodeHosts(ClusterNode node, string name)
    {
        _node = node;
        Folder = $"/etc/containerd/{name}.certs.d";
    }

    /// <summary>The folder with the hosts.toml files.</summary>
    public string Folder { get; }

    private string CaFile => $"{Folder}/ca.crt";

    public static async Task<NodeHosts> WriteAsync(ClusterNode node, string name, string trust, CancellationToken cancellationToken)
    {
        var hosts = new NodeHosts(node, name);
        await hosts.TrustAsync(trust, cancellationToken);
        await node.WriteFileAsync($"{hosts.Folder}/_default/hosts.toml", $"""
            [host."https://10.96.0.20"]
              capabilities = ["pull", "resolve"]
              ca = "{hosts.CaFile}"
            [host."https://10.96.0.21"]
              capabilities = ["pull", "resolve"]
              ca = "{hosts.CaFile}"
            """, cancellationToken);
        return hosts;
    }

    /// <summary>Gives the node another CA file.</summary>
    public Task TrustAsync(string trust, CancellationToken cancellationToken) => _node.WriteFileAsync(CaFile, trust, cancellationToken);

    public async ValueTask DisposeAsync() => await _node.RemoveAsync(Folder, CancellationToken.None);
}
