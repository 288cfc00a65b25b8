using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>
/// docs/examples/local/registry.sh makes localhost:5000 a registry of the node's and of this machine's. Its half for kind is played in the
/// unit tests.
/// </summary>
[Collection(OnOneNode.Name)]
public sealed class LocalRegistryTests(SharedCluster shared)
{
    private const string Image = "localhost:5000/app:dev";
    private const string Namespace = "registry";
    private const string NodeFiles = "/etc/containerd/certs.d/localhost:5000";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(120);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PushedToLocalhost_RunsFromLocalhost()
    {
        var cluster = await shared.GetAsync();
        var where = $"{(cluster is KindCluster ? "kind" : "local")} {cluster.Name}";
        await using var own = await ClusterNamespace.CreateAsync(cluster, Namespace, CancellationToken);
        await using var shell = await ShellAsync();
        // A port that may well be taken on this machine is not what is shown.
        var port = LoopbackPort.Find();
        try
        {
            var said = await shell.RunAsync($"PORT={port} registry.sh install {where}", CancellationToken);
            await shell.RunAsync($"PORT={port} registry.sh install {where}", CancellationToken);
            await PushAsync(shell, port, where);

            await cluster.Node.RemoveImageAsync(Image, CancellationToken);
            await Lifecycle.PullingPod.RunAsync(new Kubectl(cluster.KubeconfigFile), Namespace, Image, Bound, CancellationToken);
            Assert.Equal($"Push to localhost:{port}/NAME:TAG, and run localhost:5000/NAME:TAG.\n", said);
            Assert.Contains($"host: localhost:{port}\n", await HostingAsync(cluster), StringComparison.Ordinal);
            Assert.Contains("hostFromContainerRuntime: localhost:5000\n", await HostingAsync(cluster), StringComparison.Ordinal);
        }
        finally
        {
            var uninstall = $"KUBECONFIG='{cluster.KubeconfigFile}' helm uninstall registry --namespace {Namespace}";
            await shell.TryAsync(uninstall, CancellationToken.None);
            await cluster.Node.RemoveImageAsync(Image, CancellationToken.None);
            await cluster.Node.RemoveAsync(NodeFiles, CancellationToken.None);
        }
    }

    /// <summary>As a developer has it: the script, and programs that know no cluster and trust nothing yet.</summary>
    private static async Task<DocumentationShell> ShellAsync()
    {
        var shell = new DocumentationShell();
        var helm = await TestTools.PathOfAsync("helm3");
        shell.AddProgram("helm", helm);
        // What was fetched for this machine lies in its user's home, and the developer's home is the shell's folder.
        var cache = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(helm)!, "..", ".."));
        var script = Path.Combine(RepositoryRoot.Find(), "docs", "examples", "local", "registry.sh");
        shell.AddScript("registry.sh", $"export CAPI_REGISTRY_HOOK_CACHE='{cache}'\nexec bash '{script}' \"$@\"");
        foreach (var name in new[] { "kubectl", "openssl", "skopeo", "socat" })
            shell.AddProgram(name, await TestTools.PathOfAsync(name));
        File.Copy(await LocalImages.ArchiveAsync(TestImage.Busybox, CancellationToken), shell["app.tar"]);
        return shell;
    }

    /// <summary>skopeo finds what to trust where the script put it, and verifies it.</summary>
    private static Task<string> PushAsync(DocumentationShell shell, int port, string where) => shell.RunAsync($$"""
        PORT={{port}} registry.sh forward {{where}} &
        forward=$!
        trap 'kill $forward' EXIT
        until socat -u /dev/null TCP:127.0.0.1:{{port}}; do kill -0 $forward; sleep 0.2; done
        skopeo --insecure-policy copy docker-archive:app.tar docker://localhost:{{port}}/app:dev
        """, CancellationToken);

    private static async Task<string> HostingAsync(IWorkloadCluster cluster) => (await new Kubectl(cluster.KubeconfigFile).RunAsync(
        CancellationToken, "get", "configmap", "local-registry-hosting", "--namespace=kube-public",
        "--output=jsonpath={.data.localRegistryHosting\\.v1}")).OutputOfSuccess() + "\n";
}
