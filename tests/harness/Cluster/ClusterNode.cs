using System.Text;

namespace CapiRegistryHook.Harness.Cluster;

/// <summary>The inside of a node: its file system and its containerd.</summary>
/// <param name="enter">A command line that runs the words after it on the node, with its input and output connected.</param>
public sealed class ClusterNode(IReadOnlyList<string> enter)
{
    /// <summary>Runs a command on the node.</summary>
    public Task<CommandResult> RunAsync(CancellationToken cancellationToken, params string[] command) =>
        OutsideCommand.RunAsync(enter[0], [.. enter.Skip(1), .. command], cancellationToken);

    /// <summary>Starts a command on the node, to be talked with; disposing it ends it.</summary>
    internal Task<ChildProcess> StartAsync(params string[] command) =>
        ChildProcess.StartCommandAsync(enter[0], [.. enter.Skip(1), .. command]);

    /// <summary>Runs ctr against the images that kubelet sees.</summary>
    public Task<CommandResult> CtrAsync(CancellationToken cancellationToken, params string[] arguments) =>
        RunAsync(cancellationToken, ["ctr", "--namespace", "k8s.io", .. arguments]);

    /// <summary>
    /// Pulls an image through the hosts.toml files in /etc/containerd/certs.d. This is ctr's resolver; what kubelet's pulls do, a pod
    /// shows.
    /// </summary>
    /// <param name="reference">The image.</param>
    /// <param name="cancellationToken">Ends the pull.</param>
    /// <param name="hosts">The folder with the hosts.toml files.</param>
    public Task<CommandResult> PullAsync(string reference, CancellationToken cancellationToken, string hosts = "/etc/containerd/certs.d") =>
        CtrAsync(cancellationToken, "images", "pull", "--hosts-dir", hosts, reference);

    /// <summary>
    /// Waits until a TCP port answers: kube-proxy learns of ready pods a moment after everybody else, and refuses until then.
    /// </summary>
    public Task WaitForPortAsync(string address, int port, CancellationToken cancellationToken) => Polling.UntilAsync(
        $"{address} port {port}",
        async () => (await RunAsync(cancellationToken, "socat", "-u", "/dev/null", $"TCP:{address}:{port},connect-timeout=2")).Succeeded,
        () => "The node can't connect to it.", cancellationToken);

    /// <summary>Removes an image, so that the next pod has to pull it; one that is not there is fine.</summary>
    public async Task RemoveImageAsync(string reference, CancellationToken cancellationToken) =>
        (await CtrAsync(cancellationToken, "images", "rm", "--sync", reference)).OutputOfSuccess();

    /// <summary>Imports a docker archive or an OCI archive under the names inside it.</summary>
    public async Task ImportAsync(string archive, CancellationToken cancellationToken)
    {
        await using var file = File.OpenRead(archive);
        string[] import = [.. enter.Skip(1), "ctr", "--namespace", "k8s.io", "images", "import", "-"];
        (await OutsideCommand.RunAsync(enter[0], import, cancellationToken, file)).OutputOfSuccess();
    }

    /// <summary>Writes a file, its folders included.</summary>
    public async Task WriteFileAsync(string path, string content, CancellationToken cancellationToken)
    {
        string[] write = [.. enter.Skip(1), "sh", "-c", "mkdir -p \"$(dirname \"$0\")\" && cat >\"$0\"", path];
        using var text = new MemoryStream(Encoding.UTF8.GetBytes(content));
        (await OutsideCommand.RunAsync(enter[0], write, cancellationToken, text)).OutputOfSuccess();
    }

    /// <summary>Removes a file or a folder with all that is in it; one that is not there is fine.</summary>
    public async Task RemoveAsync(string path, CancellationToken cancellationToken) =>
        (await RunAsync(cancellationToken, "rm", "-rf", path)).OutputOfSuccess();
}
