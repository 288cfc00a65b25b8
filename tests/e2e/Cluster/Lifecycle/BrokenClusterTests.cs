using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;

/// <summary>
/// Something is broken on purpose, and the step that must notice fails with the cause in its message.
/// </summary>
[Collection(OnOneNode.Name)]
public sealed class BrokenClusterTests(BrokenClusterFixture fixture) : IClassFixture<BrokenClusterFixture>
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RunPod_WithAnotherAuthorityInTheClusterCaSecret_FailsByTrust()
    {
        var other = ServerIdentity.Create(["other"], []).RootPem;

        var failure = await fixture.RunPodWithTrustAsync(other, CancellationToken);

        Assert.Contains("certificate signed by unknown authority", failure, StringComparison.Ordinal);
        Assert.Contains("https://10.96.0.20/v2/", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunPod_WithACertificateWithoutTheServiceAddress_FailsByName()
    {
        var narrow = ServerIdentity.Create(["registry"], ["127.0.0.1"]);

        var failure = await fixture.WithCertificateAsync(
            narrow, () => fixture.RunPodWithTrustAsync(narrow.RootPem, CancellationToken), CancellationToken);

        Assert.Contains("certificate is valid for 127.0.0.1, not 10.96.0.20", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunPod_WithoutAnyReplica_FailsByConnection()
    {
        var failure = await fixture.WithoutReplicasAsync(() => fixture.RunPodAsync(CancellationToken), CancellationToken);

        Assert.Contains("dial tcp 10.96.0.20:443", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InstallChart_WithABadValueInTheHelmChartProxy_FailsBySchema()
    {
        var failure = await fixture.InstallWithAsync(
            template => template.Replace("replicas: 2", "replicas: many", StringComparison.Ordinal), CancellationToken);

        Assert.Contains("replicas: Invalid type. Expected: integer, given: string", failure, StringComparison.Ordinal);
    }
}

/// <summary>A cluster up to the pod that starts; each test breaks one thing, and what it broke is put back before the next.</summary>
public sealed class BrokenClusterFixture(SharedCluster shared) : IAsyncLifetime
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(180);

    private ClusterLifecycle _lifecycle = null!;

    private Kubectl Kubectl => _lifecycle.Workload.Kubectl;

    public async ValueTask InitializeAsync()
    {
        var cancelled = TestContext.Current.CancellationToken;
        _lifecycle = await ClusterLifecycle.StartAsync(shared, Values(), cancelled);
        await _lifecycle.CreateClusterAsync(cancelled);
        await _lifecycle.FurnishNodeAsync(cancelled);
        await _lifecycle.InitializeControlPlaneAsync(cancelled);
        await _lifecycle.InstallChartAsync(cancelled);
        await _lifecycle.Workload.PushAsync(await _lifecycle.TrustAsync(cancelled), cancelled);
        await _lifecycle.Workload.RunPodAsync(cancelled);
    }

    public ValueTask DisposeAsync() => _lifecycle is null ? ValueTask.CompletedTask : _lifecycle.DisposeAsync();

    /// <summary>What a node says whose cluster CA Secret held this.</summary>
    internal async Task<string> RunPodWithTrustAsync(string pem, CancellationToken cancellationToken)
    {
        var right = await _lifecycle.TrustAsync(cancellationToken);
        try
        {
            await WriteTrustAsync(pem, cancellationToken);
            return await RunPodAsync(cancellationToken);
        }
        finally
        {
            await WriteTrustAsync(right, CancellationToken.None);
        }
    }

    /// <summary>What keeps a pod from starting.</summary>
    internal async Task<string> RunPodAsync(CancellationToken cancellationToken) =>
        (await Assert.ThrowsAsync<InvalidOperationException>(() => _lifecycle.Workload.StartPodAsync(cancellationToken))).Message;

    /// <summary>What happens while the replicas show another certificate.</summary>
    internal async Task<string> WithCertificateAsync(ServerIdentity other, Func<Task<string>> act, CancellationToken cancellationToken)
    {
        var right = (await KubectlAsync(cancellationToken, "get", "secret", "registry-tls", "--output=jsonpath={.data}")).OutputOfSuccess();
        var wrong = new JsonObject { ["tls.crt"] = Encode(other.CertificatePem), ["tls.key"] = Encode(other.KeyPem) };
        try
        {
            await ServeAsync(wrong.ToJsonString(), cancellationToken);
            return await act();
        }
        finally
        {
            await ServeAsync(right, CancellationToken.None);
        }
    }

    /// <summary>What happens while there is no registry.</summary>
    internal async Task<string> WithoutReplicasAsync(Func<Task<string>> act, CancellationToken cancellationToken)
    {
        try
        {
            await ScaleAsync(0, cancellationToken);
            return await act();
        }
        finally
        {
            await ScaleAsync(2, CancellationToken.None);
        }
    }

    /// <summary>What the add-on provider says to other values in the HelmChartProxy.</summary>
    internal async Task<string> InstallWithAsync(Func<string, string> change, CancellationToken cancellationToken)
    {
        var proxies = AdminClient.ChartProxies("default");
        var right = (string)(await _lifecycle.Management.GetAsync(proxies, "c1-registry", cancellationToken))["spec"]!["valuesTemplate"]!;
        Assert.NotEqual(right, change(right));
        try
        {
            await PatchAsync(change(right));
            return (await Assert.ThrowsAsync<InvalidOperationException>(() => _lifecycle.InstallChartAsync(cancellationToken))).Message;
        }
        finally
        {
            await PatchAsync(right);
        }

        Task PatchAsync(string values) => _lifecycle.Management.MergePatchAsync(
            proxies, "c1-registry", new JsonObject { ["spec"] = new JsonObject { ["valuesTemplate"] = values } }, cancellationToken);
    }

    private async Task WriteTrustAsync(string pem, CancellationToken cancellationToken)
    {
        await _lifecycle.Management.MergePatchAsync(AdminClient.Secrets("default"), "c1-registry-addon-ca",
            new JsonObject { ["data"] = new JsonObject { ["ca.crt"] = Encode(pem) } }, cancellationToken);
        await _lifecycle.FurnishNodeAsync(cancellationToken);
    }

    /// <summary>The registry reads its certificate once, when it starts.</summary>
    private async Task ServeAsync(string data, CancellationToken cancellationToken)
    {
        (await KubectlAsync(cancellationToken, "patch", "secret", "registry-tls", "--patch", $$"""{"data": {{data}}}""")).OutputOfSuccess();
        await ScaleAsync(0, cancellationToken);
        await ScaleAsync(2, cancellationToken);
    }

    private async Task ScaleAsync(int replicas, CancellationToken cancellationToken)
    {
        (await KubectlAsync(cancellationToken, "scale", "statefulset/registry", $"--replicas={replicas}")).OutputOfSuccess();
        await Kubectl.WaitForRolloutAsync(_lifecycle.RegistrySystem.Name, "statefulset/registry", Bound, cancellationToken);
        if (replicas > 0)
            await _lifecycle.Workload.WaitForAddressAsync(cancellationToken);
    }

    private Task<CommandResult> KubectlAsync(CancellationToken cancellationToken, params string[] arguments) =>
        Kubectl.RunAsync(cancellationToken, ["--namespace", _lifecycle.RegistrySystem.Name, .. arguments]);

    private static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    /// <summary>Pods that stop at once: nobody pulls meanwhile.</summary>
    private static JsonObject Values() => new()
    {
        ["storage"] = new JsonObject { ["size"] = "100Mi" },
        ["drain"] = new JsonObject { ["delaySeconds"] = 0, ["timeoutSeconds"] = 5 },
        ["probes"] = new JsonObject { ["readiness"] = new JsonObject { ["periodSeconds"] = 1 } },
        ["minReadySeconds"] = 0,
    };
}
