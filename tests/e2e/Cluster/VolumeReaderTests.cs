using System.Text;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry.Volumes;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>What a real kubelet has measured of real volumes.</summary>
[Collection(OnOneNode.Name)]
public sealed class VolumeReaderTests(SharedCluster shared)
{
    private const string Namespace = "registry-system";
    private const long MiB = 1024 * 1024;

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(120);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>A replica on a claim, one on a volume that kubelets do not measure, and a pod of somebody else.</summary>
    [Fact]
    public async Task ReadAsync_ClaimFillsUp_SaysHowFullItIs()
    {
        var cluster = await shared.GetAsync();
        var image = await cluster.ProvideImageAsync(TestImage.Busybox, CancellationToken);
        await using var own = await ClusterNamespace.CreateAsync(cluster, Namespace, CancellationToken);
        var kubectl = new Kubectl(cluster.KubeconfigFile);
        using var client = new KubernetesClient(
            Kubeconfig.Parse(Encoding.UTF8.GetBytes(cluster.Kubeconfig), null, TimeProvider.System), new KubernetesClientOptions(),
            TimeProvider.System);
        Assert.Null(await VolumeReader.ReadAsync(client, CancellationToken));
        await OnNodeAsync(cluster, "mkdir -p /mnt/volume-reader && mount -t tmpfs -o size=16m,nr_inodes=1000 tmpfs /mnt/volume-reader");
        try
        {
            await kubectl.ApplyAsync(Objects(image), CancellationToken);
            await kubectl.WaitForAsync(Namespace, "pod/registry-0", "condition=Ready", Bound, CancellationToken);
            await kubectl.WaitForAsync(Namespace, "pod/registry-1", "condition=Ready", Bound, CancellationToken);

            var empty = await UntilAsync(client, volumes => volumes is [{ Used: < MiB }]);
            Assert.Equal(("registry-0", 16 * MiB, 1000), (empty.Pod, empty.Capacity, empty.Inodes));

            await OnNodeAsync(cluster, "dd if=/dev/zero of=/mnt/volume-reader/blob bs=1M count=14 2>/dev/null");
            var full = await UntilAsync(client, volumes => volumes is [{ Used: >= 14 * MiB }]);
            Assert.InRange(full.Percent, 87, 90);
        }
        finally
        {
            await kubectl.RunAsync(
                CancellationToken, "delete", "pod", "registry-0", "--namespace", Namespace, "--now", "--ignore-not-found");
            await kubectl.RunAsync(CancellationToken, "delete", "persistentvolume", "volume-reader", "--wait=false");
            await OnNodeAsync(cluster, "umount -l /mnt/volume-reader");
        }
    }

    private static async Task OnNodeAsync(IWorkloadCluster cluster, string script) =>
        (await cluster.Node.RunAsync(CancellationToken, "sh", "-c", script)).OutputOfSuccess();

    private static async Task<VolumeUsage> UntilAsync(KubernetesClient client, Func<IReadOnlyList<VolumeUsage>?, bool> isThere)
    {
        IReadOnlyList<VolumeUsage>? volumes = null;
        await Polling.UntilAsync("the kubelet has measured the volume", async () =>
        {
            volumes = await VolumeReader.ReadAsync(client, CancellationToken);
            return isThere(volumes);
        }, () => string.Join('\n', volumes ?? []), CancellationToken, Bound);
        return volumes![0];
    }

    private static string Objects(string image) => $$"""
        apiVersion: v1
        kind: PersistentVolume
        metadata: {name: volume-reader}
        spec:
          capacity: {storage: 16Mi}
          accessModes: [ReadWriteOnce]
          persistentVolumeReclaimPolicy: Retain
          storageClassName: volume-reader
          claimRef: {namespace: {{Namespace}}, name: data-registry-0}
          local: {path: /mnt/volume-reader}
          nodeAffinity:
            required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/os, operator: In, values: [linux]}]}]}
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: data-registry-0, namespace: {{Namespace}} }
        spec: {accessModes: [ReadWriteOnce], storageClassName: volume-reader, resources: {requests: {storage: 16Mi} } }
        ---
        {{Pod("registry-0", image, "persistentVolumeClaim: {claimName: data-registry-0}", "registry")}}
        ---
        {{Pod("registry-1", image, "hostPath: {path: /tmp}", "registry")}}
        ---
        {{Pod("other", image, "emptyDir: {}", "garbage-collection")}}
        """;

    private static string Pod(string name, string image, string volume, string component) => $$"""
        apiVersion: v1
        kind: Pod
        metadata:
          name: {{name}}
          namespace: {{Namespace}}
          labels: {app.kubernetes.io/instance: registry, app.kubernetes.io/component: {{component}} }
        spec:
          terminationGracePeriodSeconds: 1
          containers:
          - {name: shell, image: "{{image}}", command: [sleep, "3600"], volumeMounts: [{name: data, mountPath: /data}]}
          volumes:
          - {name: data, {{volume}} }
        """;
}
