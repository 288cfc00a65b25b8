using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Serving;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>
/// The service as its chart installs it, on a cluster with a node: pods under the chart's ServiceAccount, called through the chart's
/// Service. By default the test
/// plays cert-manager, which is not there: it writes the Secret that the Certificate asks for. The cluster is both the management cluster
/// and
/// the workload cluster.
/// </summary>
internal sealed class InstalledHook : IAsyncDisposable
{
    private const string Workload = "registry-system";
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(120);

    private readonly ClusterNamespace _own;
    private readonly ClusterNamespace _workload;
    private readonly HelmClient _helm;

    private InstalledHook(IWorkloadCluster cluster, ClusterNamespace own, ClusterNamespace workload, HelmClient helm)
    {
        Cluster = cluster;
        _own = own;
        _workload = workload;
        _helm = helm;
    }

    public IWorkloadCluster Cluster { get; }

    /// <summary>What clients trust: ca.crt of the serving Secret, as it was when the service was installed.</summary>
    public string RootPem { get; private set; } = "";

    public Kubectl Kubectl => new(Cluster.KubeconfigFile);

    /// <summary>What the service wrote on the workload cluster goes away with this namespace.</summary>
    public static string WorkloadNamespace => Workload;

    /// <summary>Installs the service with its defaults.</summary>
    public static Task<InstalledHook> InstallAsync(IWorkloadCluster cluster, CancellationToken cancellationToken) =>
        InstallAsync(cluster, async hook =>
    {
        await hook.PlayCertManagerAsync(cancellationToken);
        await hook.InstallChartAsync("", cancellationToken);
    }, cancellationToken);

    /// <summary>Installs the service with a certificate that it makes itself, which is also for the way that tests have to it.</summary>
    public static Task<InstalledHook> InstallSelfManagedAsync(IWorkloadCluster cluster, CancellationToken cancellationToken) =>
        InstallAsync(cluster, async hook =>
    {
        await hook.InstallChartAsync(",certificate.mode=selfManaged,certificate.selfManaged.extraNames={127.0.0.1}", cancellationToken);
        using var admin = new AdminClient(cluster);
        hook.RootPem = await new PublishedAuthority(admin).ReadAsync(cancellationToken);
    }, cancellationToken);

    private static async Task<InstalledHook> InstallAsync(
        IWorkloadCluster cluster, Func<InstalledHook, Task> install, CancellationToken cancellationToken)
    {
        await using (var kubectl = await KubectlProgram.ForAsync(cluster, cancellationToken))
            await kubectl.InstallDefinitionsAsync(cancellationToken);
        var own = await ClusterNamespace.CreateAsync(cluster, HookService.Namespace, cancellationToken);
        var workload = await ClusterNamespace.CreateAsync(cluster, Workload, cancellationToken);
        var helm = await HelmClient.ForAsync("helm3", cluster.Kubeconfig, HookService.Namespace, cancellationToken);
        var hook = new InstalledHook(cluster, own, workload, helm);
        try
        {
            await install(hook);
            return hook;
        }
        catch
        {
            await hook.DisposeAsync();
            throw;
        }
    }

    /// <summary>A way to the Service, by way of the node.</summary>
    public Task<NodeForward> ForwardAsync(string port, CancellationToken cancellationToken) =>
        NodeForward.ToServiceAsync(Cluster, HookService.Namespace, HookChart.Release, port, cancellationToken);

    /// <summary>Restarts the pods as an upgrade does, and waits until the new ones have taken over.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        (await Kubectl.RunAsync(cancellationToken, "--namespace", HookService.Namespace, "rollout", "restart",
            $"deployment/{HookChart.Release}")).OutputOfSuccess();
        await Kubectl.WaitForRolloutAsync(HookService.Namespace, $"deployment/{HookChart.Release}", Bound, cancellationToken);
    }

    /// <summary>The names of the pods that are there, also of those that are ending.</summary>
    public async Task<IReadOnlyList<string>> PodsAsync(CancellationToken cancellationToken)
    {
        var pods = await Kubectl.RunAsync(cancellationToken, "--namespace", HookService.Namespace, "get", "pods", "--output=name");
        return pods.OutputOfSuccess().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>A Cluster in the default namespace whose workload cluster is this cluster, as pods see it.</summary>
    public async Task<TestCluster> CreateClusterAsync(string name, CancellationToken cancellationToken)
    {
        using var admin = new AdminClient(Cluster);
        var created =
            await admin.CreateAsync(AdminClient.Clusters(HookService.Namespace), TestEnvironment.NewCluster(name), cancellationToken);
        var kubeconfig = KubeconfigText.Write(
            name, new Uri("https://kubernetes.default.svc"), Cluster.CertificateAuthorityPem, Cluster.Token);
        await admin.CreateAsync(AdminClient.Secrets(HookService.Namespace), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = $"{name}-kubeconfig" },
            ["data"] = new JsonObject { ["value"] = Encode(kubeconfig) },
        }, cancellationToken);
        return new TestCluster(name, HookService.Namespace, (string)created["metadata"]!["uid"]!);
    }

    public async ValueTask DisposeAsync()
    {
        await _helm.RunAsync(CancellationToken.None, "uninstall", HookChart.Release, "--ignore-not-found");
        await _helm.DisposeAsync();
        await _workload.DisposeAsync();
        await _own.DisposeAsync();
    }

    private async Task PlayCertManagerAsync(CancellationToken cancellationToken)
    {
        var identity = ServerIdentity.Create([$"{HookChart.Release}.{HookService.Namespace}.svc"], ["127.0.0.1"]);
        RootPem = identity.RootPem;
        using var admin = new AdminClient(Cluster);
        await admin.CreateAsync(AdminClient.Secrets(HookService.Namespace), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = $"{HookChart.Release}-tls" },
            ["type"] = "kubernetes.io/tls",
            ["data"] = new JsonObject
            {
                ["tls.crt"] = Encode(identity.CertificatePem),
                ["tls.key"] = Encode(identity.KeyPem),
                ["ca.crt"] = Encode(identity.RootPem),
            },
        }, cancellationToken);
    }

    private async Task InstallChartAsync(string values, CancellationToken cancellationToken)
    {
        var (registry, repository, tag) = Split(await Cluster.ProvideImageAsync(TestImage.Hook, cancellationToken));
        await _helm.RunAsync(
            cancellationToken, "install", HookChart.Release, HookChart.Folder.Path,
            "--set", $"image.registry={registry},image.repository={repository},image.tag={tag}{values}");
        await Kubectl.WaitForRolloutAsync(HookService.Namespace, $"deployment/{HookChart.Release}", Bound, cancellationToken);
        await Polling.UntilAsync("the Service", () => AnswersAsync(cancellationToken), () => "Its pods are ready.", cancellationToken);
    }

    /// <summary>kube-proxy learns of ready pods a moment after everybody else.</summary>
    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        await using var forward = await ForwardAsync("metrics", cancellationToken);
        using var http = new HttpClient();
        try
        {
            using var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{forward.Port}/readyz"), cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static (string Registry, string Repository, string Tag) Split(string reference)
    {
        var slash = reference.IndexOf('/', StringComparison.Ordinal);
        var colon = reference.LastIndexOf(':');
        return (reference[..slash], reference[(slash + 1)..colon], reference[(colon + 1)..]);
    }

    private static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}

/// <summary>One installation for all tests of a class.</summary>
public sealed class InstalledOnce(SharedCluster shared) : IAsyncLifetime
{
    internal InstalledHook Hook { get; private set; } = null!;

    public async ValueTask InitializeAsync() =>
        Hook = await InstalledHook.InstallAsync(await shared.GetAsync(), TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => Hook is null ? ValueTask.CompletedTask : Hook.DisposeAsync();
}
