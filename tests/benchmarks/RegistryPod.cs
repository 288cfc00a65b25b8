using System.Net.Sockets;
using System.Text;
using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry.Clients;

namespace CapiRegistryHook.Benchmarks;

/// <summary>A registry in a pod that keeps its content on the node's disk, and two ways to it through the API server.</summary>
internal sealed class RegistryPod : IAsyncDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(3);

    private readonly ClusterNamespace _own;
    private readonly Kubectl _kubectl;
    private readonly KubernetesClient _client;
    private readonly ServerIdentity _identity = ServerIdentity.Create([ClusterRegistry.ServerName], []);

    private RegistryPod(IWorkloadCluster cluster, ClusterNamespace own)
    {
        _own = own;
        _kubectl = new Kubectl(cluster.KubeconfigFile);
        _client = new KubernetesClient(
            Kubeconfig.Parse(Encoding.UTF8.GetBytes(cluster.Kubeconfig), null, TimeProvider.System), new KubernetesClientOptions(),
            TimeProvider.System);
    }

    private static string Namespace => ClusterRegistry.Pod(0).Namespace;

    private static string Name => ClusterRegistry.Pod(0).Name;

    public static async Task<RegistryPod> StartAsync(IWorkloadCluster cluster, CancellationToken cancellationToken)
    {
        var image = await cluster.ProvideImageAsync(TestImage.Registry, cancellationToken);
        var pod = new RegistryPod(cluster, await ClusterNamespace.CreateAsync(cluster, Namespace, cancellationToken));
        await pod._kubectl.ApplyAsync(pod.Manifests(image), cancellationToken);
        await pod._kubectl.WaitForAsync(Namespace, $"pod/{Name}", "condition=Ready", Bound, cancellationToken);
        return pod;
    }

    /// <summary>The registry as the program reaches it: a stream to the pod for each connection.</summary>
    public RegistryTarget Open() =>
        Target(cancellationToken => _client.OpenPortAsync(ClusterRegistry.Pod(0), ClusterRegistry.PodPort, cancellationToken));

    /// <summary>
    /// Does something with the registry behind <c>kubectl port-forward</c>. Each time has its own kubectl: it ends with the first
    /// connection that is reset.
    /// </summary>
    public async Task<T> ThroughKubectlAsync<T>(Func<RegistryTarget, Task<T>> use, CancellationToken cancellationToken)
    {
        var port = LoopbackPort.Find();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var forward = _kubectl.RunAsync(
            end.Token, "--namespace", Namespace, "port-forward", $"pod/{Name}", $"{port}:{ClusterRegistry.PodPort}");
        try
        {
            await Polling.UntilAsync("kubectl port-forward", async () => forward.IsCompleted
                ? throw new InvalidOperationException((await forward).Errors) : await AcceptsAsync(port, cancellationToken),
                () => "", cancellationToken);
            using var target = Target(token => ConnectAsync(port, token));
            return await use(target);
        }
        finally
        {
            await end.CancelAsync();
            await ((Task)forward).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _own.DisposeAsync();
    }

    private RegistryTarget Target(Func<CancellationToken, Task<Stream>> connect) => new("registry", MirrorRule.ByPath,
        [new RegistryReplica(Name, new Uri($"https://{ClusterRegistry.ServerName}/"), _identity.RootPem, new RegistryOptions(), connect)],
        0);

    private static async Task<bool> AcceptsAsync(int port, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = await ConnectAsync(port, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static async Task<Stream> ConnectAsync(int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(System.Net.IPAddress.Loopback, port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private string Manifests(string image) => $$"""
        apiVersion: v1
        kind: Secret
        metadata: {name: registry-tls, namespace: {{Namespace}} }
        type: kubernetes.io/tls
        data: {tls.crt: {{Encode(_identity.CertificatePem)}}, tls.key: {{Encode(_identity.KeyPem)}} }
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: registry, namespace: {{Namespace}} }
        data:
          config.yml: |
            version: 0.1
            log: {level: error, accesslog: {disabled: true} }
            storage: {filesystem: {rootdirectory: /data} }
            http: {addr: ":{{ClusterRegistry.PodPort}}", tls: {certificate: /tls/tls.crt, key: /tls/tls.key} }
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: {{Name}}, namespace: {{Namespace}} }
        spec:
          enableServiceLinks: false
          securityContext: {runAsUser: 65532, runAsNonRoot: true, fsGroup: 65532}
          containers:
          - name: registry
            image: {{image}}
            args: [serve, /etc/distribution/config.yml]
            env: [{name: OTEL_TRACES_EXPORTER, value: none}]
            readinessProbe: {httpGet: {path: /, port: {{ClusterRegistry.PodPort}}, scheme: HTTPS}, periodSeconds: 1}
            volumeMounts: [{name: tls, mountPath: /tls}, {name: config, mountPath: /etc/distribution}, {name: data, mountPath: /data}]
          volumes:
          - {name: tls, secret: {secretName: registry-tls} }
          - {name: config, configMap: {name: registry} }
          - {name: data, emptyDir: {} }
        """;

    private static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
