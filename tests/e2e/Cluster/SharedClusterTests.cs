using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>The cluster does what the other tests take for granted.</summary>
[Collection(OnOneNode.Name)]
public sealed class SharedClusterTests(SharedCluster shared)
{
    private const string Mirrored = "/etc/containerd/certs.d/docker.io";
    private const string Hello = "docker.io/library/hello:1";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(180);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task StatefulSet_WithVolumesAndFixedAddress_AnswersByAddressAndName()
    {
        var cluster = await shared.GetAsync();
        var image = await cluster.ProvideImageAsync(TestImage.Busybox, CancellationToken);
        await using var own = await ClusterNamespace.CreateAsync(cluster, "cluster-web", CancellationToken);
        var kubectl = new Kubectl(cluster.KubeconfigFile);
        await kubectl.ApplyAsync(Manifests.Web(own.Name, image, address: "10.96.0.201"), CancellationToken);
        await kubectl.WaitForRolloutAsync(own.Name, "statefulset/web", Bound, CancellationToken);
        await cluster.Node.WaitForPortAsync("10.96.0.201", 80, CancellationToken);

        const string Ask =
            "wget -qO- http://10.96.0.201; wget -qO- http://web; wget -qO- http://web-1.web-headless.cluster-web.svc.cluster.local:8080";
        var fromPod = await kubectl.RunAsync(CancellationToken, "--namespace", own.Name, "exec", "web-0", "--", "sh", "-c", Ask);
        var nodeAsks = cluster.Node.RunAsync(CancellationToken, "sh", "-c", "wget -qO- http://10.96.0.201 || curl -fsS http://10.96.0.201");

        Assert.Matches("^web-[01]\nweb-[01]\nweb-1\n$", fromPod.OutputOfSuccess());
        Assert.Matches("^web-[01]\n$", (await nodeAsks).OutputOfSuccess());
    }

    [Fact]
    public async Task Registry_PushedToThroughPortForward_IsTheNodesMirror()
    {
        var cluster = await shared.GetAsync();
        await using var own = await ClusterNamespace.CreateAsync(cluster, "cluster-registry", CancellationToken);
        var identity = ServerIdentity.Create(["registry"], ["10.96.0.202", "127.0.0.1"]);
        await StartRegistryAsync(cluster, own, "10.96.0.202", identity);
        await MirrorAsync(cluster.Node, "10.96.0.202", identity.RootPem);
        try
        {
            await PushAsync(cluster, own, identity);
            (await cluster.Node.PullAsync(Hello, CancellationToken)).OutputOfSuccess();
            await cluster.Node.RemoveImageAsync(Hello, CancellationToken);
            await RunPodAsync(cluster, own);
        }
        finally
        {
            await cluster.Node.RemoveAsync(Mirrored, CancellationToken.None);
            await cluster.Node.RemoveImageAsync(Hello, CancellationToken.None);
        }
    }

    private static async Task StartRegistryAsync(IWorkloadCluster cluster, ClusterNamespace own, string address, ServerIdentity identity)
    {
        var image = await cluster.ProvideImageAsync(TestImage.Registry, CancellationToken);
        var kubectl = new Kubectl(cluster.KubeconfigFile);
        await kubectl.ApplyAsync(Manifests.Registry(own.Name, image, address, identity), CancellationToken);
        await kubectl.WaitForRolloutAsync(own.Name, "deployment/registry", Bound, CancellationToken);
        await cluster.Node.WaitForPortAsync(address, 443, CancellationToken);
    }

    private static async Task MirrorAsync(ClusterNode node, string address, string rootPem)
    {
        await node.WriteFileAsync($"{Mirrored}/ca.crt", rootPem, CancellationToken);
        await node.WriteFileAsync($"{Mirrored}/hosts.toml", $"""
            [host."https://{address}"]
              capabilities = ["pull", "resolve"]
              ca = "{Mirrored}/ca.crt"
            """, CancellationToken);
    }

    private static async Task PushAsync(IWorkloadCluster cluster, ClusterNamespace own, ServerIdentity identity)
    {
        var archive = await LocalImages.ArchiveAsync(TestImage.Busybox, CancellationToken);
        await using var forward = await PortForward.ToServiceAsync(cluster, own.Name, "registry", CancellationToken);

        var distrusted = await new Skopeo(forward.Authority, ServerIdentity.Create(["other"], []).RootPem).PushAsync(
            archive, "library/hello:1", CancellationToken);
        var trusted = await new Skopeo(forward.Authority, identity.RootPem).PushAsync(archive, "library/hello:1", CancellationToken);

        Assert.Contains("certificate signed by unknown authority", distrusted.Errors, StringComparison.Ordinal);
        trusted.OutputOfSuccess();
    }

    // The name that users write: no registry, no library.
    private static async Task RunPodAsync(IWorkloadCluster cluster, ClusterNamespace own)
    {
        var kubectl = new Kubectl(cluster.KubeconfigFile);
        await kubectl.ApplyAsync(Manifests.Pod(own.Name, "hello", "hello:1", "echo hello"), CancellationToken);
        await kubectl.WaitForAsync(own.Name, "pod/hello", "jsonpath={.status.phase}=Succeeded", Bound, CancellationToken);
    }
}
