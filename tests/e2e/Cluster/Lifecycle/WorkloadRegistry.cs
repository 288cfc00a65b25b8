using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;

/// <summary>The registry in the workload cluster, as those meet it who push to it, pull from it, or must not.</summary>
internal sealed class WorkloadRegistry(IWorkloadCluster cluster)
{
    /// <summary>A name as users write it: no word of a registry in the cluster.</summary>
    public const string Image = "docker.io/library/app:1";

    private const string Namespace = "registry-system";
    private const string Pushed = "library/app:1";
    private const int ContainerPort = 5000;

    /// <summary>
    /// What containerd may take to give up on an image that is nowhere: two mirrors that answer, and an upstream that does not exist.
    /// </summary>
    private static readonly TimeSpan GiveUpBound = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(180);

    public IWorkloadCluster Cluster => cluster;

    public Kubectl Kubectl => new(cluster.KubeconfigFile);

    /// <summary>Pushes through a port-forward of the API server; whoever speaks plain HTTP or trusts another root gets nowhere.</summary>
    /// <param name="trust">What the client trusts.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="names">Under which names; none is <see cref="Image"/>'s.</param>
    public async Task PushAsync(string trust, CancellationToken cancellationToken, params string[] names)
    {
        var archive = await LocalImages.ArchiveAsync(TestImage.Busybox, cancellationToken);
        await using var forward = await PortForward.ToServiceAsync(cluster, Namespace, "registry-primary", cancellationToken);
        using var plain = new HttpClient();

        using var refused = await plain.GetAsync(new Uri($"http://{forward.Authority}/v2/"), cancellationToken);
        var distrusted =
            await new Skopeo(forward.Authority, ServerIdentity.Create(["other"], []).RootPem).PushAsync(archive, Pushed, cancellationToken);
        foreach (var name in names is [] ? [Pushed] : names)
            (await new Skopeo(forward.Authority, trust).PushAsync(archive, name, cancellationToken)).OutputOfSuccess();

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("certificate signed by unknown authority", distrusted.Errors, StringComparison.Ordinal);
    }

    /// <summary>What was pushed to replica 0 arrives on replica 1, so that the balanced address may lead to either.</summary>
    public async Task WaitForCopyAsync(string trust, CancellationToken cancellationToken, string name = Pushed)
    {
        await using var forward = PortForward.ToPod(cluster, Namespace, "registry-1", ContainerPort);
        var said = "";
        await Polling.UntilAsync("the image on registry-1", IsThereAsync, () => said, cancellationToken);

        async Task<bool> IsThereAsync()
        {
            var inspected = await new Skopeo(forward.Authority, trust).InspectAsync(name, cancellationToken);
            said = inspected.Errors;
            return inspected.Succeeded;
        }
    }

    /// <summary>Pulls through the pull Service, as clients in the cluster do.</summary>
    public async Task PullAsync(string trust, CancellationToken cancellationToken)
    {
        await WaitForAddressAsync(cancellationToken);
        await using var forward = await NodeForward.ToServiceAsync(cluster, Namespace, "registry", "https", cancellationToken);
        var authority = $"127.0.0.1:{forward.Port}";

        var distrusted = await new Skopeo(authority, ServerIdentity.Create(["other"], []).RootPem).PullAsync(Pushed, cancellationToken);
        (await new Skopeo(authority, trust).PullAsync(Pushed, cancellationToken)).OutputOfSuccess();

        Assert.Contains("certificate signed by unknown authority", distrusted.Errors, StringComparison.Ordinal);
    }

    /// <summary>A pod starts from the image, which the node has to get through its mirror.</summary>
    public async Task RunPodAsync(CancellationToken cancellationToken)
    {
        await WaitForAddressAsync(cancellationToken);
        await StartPodAsync(cancellationToken);
    }

    /// <summary>Waits until the node is led to a replica.</summary>
    public Task WaitForAddressAsync(CancellationToken cancellationToken) =>
        cluster.Node.WaitForPortAsync("10.96.0.20", 443, cancellationToken);

    /// <summary>As <see cref="RunPodAsync"/>, whether or not anything answers at the registry's address.</summary>
    public async Task StartPodAsync(CancellationToken cancellationToken)
    {
        await cluster.Node.RemoveImageAsync(Image, cancellationToken);
        await PullingPod.RunAsync(Kubectl, Namespace, Image, Bound, cancellationToken);
    }

    /// <summary>An image that is only upstream, where nobody can go, fails soon.</summary>
    public async Task AssertMissingImageFailsAsync(CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(
            () => PullingPod.RunAsync(Kubectl, Namespace, "docker.io/library/nowhere:1", Bound, cancellationToken));

        Assert.Contains("docker.io/library/nowhere:1", failure.Message, StringComparison.Ordinal);
        var took = TimeProvider.System.GetElapsedTime(started);
        Assert.True(took < GiveUpBound, $"The node took {took.TotalSeconds:F0} s to give up.");
    }

    /// <summary>The serial numbers that both replicas really show, to a client that trusts the cluster CA Secret alone.</summary>
    public async Task<IReadOnlyList<string>> ServedSerialsAsync(string trust, CancellationToken cancellationToken)
    {
        var serials = new List<string>();
        foreach (var replica in new[] { "registry-0", "registry-1" })
        {
            await using var forward = PortForward.ToPod(cluster, Namespace, replica, ContainerPort);
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, forward.Port, cancellationToken);
            await using var tls = new SslStream(client.GetStream());
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPem(trust);
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = "10.96.0.20", CertificateChainPolicy = policy }, cancellationToken);
            var serial = tls.RemoteCertificate!.GetSerialNumberString().ToLowerInvariant();
            serials.Add(serial.StartsWith("00", StringComparison.Ordinal) ? serial[2..] : serial);
        }

        return serials;
    }
}
