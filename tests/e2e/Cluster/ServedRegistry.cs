using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>
/// Registries in pods with the labels, the port and the Secret of the registry chart, and the product's look at what they serve.
/// </summary>
internal sealed class ServedRegistry : IAsyncDisposable
{
    private const string Revision = "0123456789abcdef";

    private const string Namespace = "registry-system";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(180);

    private readonly ClusterNamespace _own;
    private readonly Kubectl _kubectl;
    private readonly string _image;
    private readonly KubernetesClient _client;
    private KubernetesClient? _pinging;

    private ServedRegistry(IWorkloadCluster cluster, ClusterNamespace own, string image)
    {
        _own = own;
        _image = image;
        _kubectl = new Kubectl(cluster.KubeconfigFile);
        _client = new KubernetesClient(
            Kubeconfig.Parse(Encoding.UTF8.GetBytes(cluster.Kubeconfig), null, TimeProvider.System), new KubernetesClientOptions(),
            TimeProvider.System);
    }

    public static async Task<ServedRegistry> CreateAsync(IWorkloadCluster cluster, CancellationToken cancellationToken)
    {
        var image = await cluster.ProvideImageAsync(TestImage.Registry, cancellationToken);
        var own = await ClusterNamespace.CreateAsync(cluster, Namespace, cancellationToken);
        return new ServedRegistry(cluster, own, image);
    }

    /// <summary>Makes registry-tls hold this, as the hook does.</summary>
    public Task GiveAsync(ServerIdentity identity, CancellationToken cancellationToken) => _kubectl.ApplyAsync($$"""
        apiVersion: v1
        kind: Secret
        metadata: {name: registry-tls, namespace: {{Namespace}} }
        type: kubernetes.io/tls
        data: {tls.crt: {{Encode(identity.CertificatePem)}}, tls.key: {{Encode(identity.KeyPem)}} }
        """, cancellationToken);

    /// <summary>Starts or restarts a pod and waits until it is ready.</summary>
    public Task RollAsync(string pod, CancellationToken cancellationToken) =>
        StartAsync(pod, listens: 5000, probed: 5000, cancellationToken);

    /// <summary>Puts a pod in a registry's place that is ready, and on whose port nobody listens.</summary>
    public Task ReplaceByDeafPodAsync(string pod, CancellationToken cancellationToken) =>
        StartAsync(pod, listens: 5002, probed: 5002, cancellationToken);

    /// <summary>Puts a pod in a registry's place that does not get ready.</summary>
    public Task ReplaceByUnreadyPodAsync(string pod, CancellationToken cancellationToken) =>
        StartAsync(pod, listens: 5000, probed: 5999, cancellationToken);

    /// <summary>Checks whether both pods serve this certificate.</summary>
    public Task<ServedResult> CheckAsync(string trustPem, string serial, CancellationToken cancellationToken) =>
        new ServedCertificateProbe(TimeProvider.System).CheckAsync(
            _client, new ExpectedPods(TrustBundle.Parse(Encoding.ASCII.GetBytes(trustPem)), serial, Revision, 2), cancellationToken);

    /// <summary>Opens the port of a pod with a keep-alive frame every 100 ms.</summary>
    public async Task<Stream> OpenPingedAsync(IWorkloadCluster cluster, string pod, CancellationToken cancellationToken)
    {
        var pinging = new KubernetesClientOptions
        {
            ForwardPingInterval = TimeSpan.FromMilliseconds(100),
        };
        _pinging ??= new KubernetesClient(
            Kubeconfig.Parse(Encoding.UTF8.GetBytes(cluster.Kubeconfig), null, TimeProvider.System), pinging, TimeProvider.System);
        return await _pinging.OpenPortAsync(new NamespacedName(Namespace, pod), 5000, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _pinging?.Dispose();
        await _own.DisposeAsync();
    }

    private async Task StartAsync(string pod, int listens, int probed, CancellationToken cancellationToken)
    {
        (await _kubectl.RunAsync(
            cancellationToken, "--namespace", Namespace, "delete", "pod", pod, "--ignore-not-found", "--grace-period=1")).OutputOfSuccess();
        await _kubectl.ApplyAsync(Pod(pod, _image, listens, probed), cancellationToken);
        await _kubectl.WaitForAsync(
            Namespace, $"pod/{pod}", listens == probed ? "condition=Ready" : "condition=Initialized", Bound, cancellationToken);
    }

    private static string Pod(string name, string image, int listens, int probed) => $$"""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: {{name}}, namespace: {{Namespace}} }
        data:
          config.yml: |
            version: 0.1
            storage: {inmemory: {} }
            http: {addr: ":{{listens}}", tls: {certificate: /tls/tls.crt, key: /tls/tls.key} }
        ---
        apiVersion: v1
        kind: Pod
        metadata:
          name: {{name}}
          namespace: {{Namespace}}
          annotations: {capi-registry-hook.io/release-revision: "{{Revision}}"}
          labels: {app.kubernetes.io/name: registry, app.kubernetes.io/instance: registry, app.kubernetes.io/component: registry}
        spec:
          enableServiceLinks: false
          securityContext: {runAsUser: 65532, runAsNonRoot: true, fsGroup: 65532}
          containers:
          - name: registry
            image: {{image}}
            args: [serve, /etc/distribution/config.yml]
            env: [{name: OTEL_TRACES_EXPORTER, value: none}]
            readinessProbe: {httpGet: {path: /, port: {{probed}}, scheme: HTTPS}, periodSeconds: 1}
            volumeMounts: [{name: tls, mountPath: /tls}, {name: config, mountPath: /etc/distribution}]
          volumes:
          - {name: tls, secret: {secretName: registry-tls} }
          - {name: config, configMap: {name: {{name}} } }
        """;

    private static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
