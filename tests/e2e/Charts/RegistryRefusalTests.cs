using CapiRegistryHook.Harness.Charts;
using Xunit;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>Values that the registry chart refuses, and that it says which and why.</summary>
public sealed class RegistryRefusalTests
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("repliacs=3", "repliacs")]
    [InlineData("service.prot=1", "prot")]
    [InlineData("storage.s3.buckets=a", "buckets")]
    [InlineData("global.imageRegsitry=a", "imageRegsitry")]
    [InlineData("replicas=two", "replicas")]
    [InlineData("replicas=0", "replicas")]
    [InlineData("replicas=10", "replicas")]
    [InlineData("delete.enabled=yes", "delete/enabled")]
    [InlineData("tls.secretName=", "tls/secretName")]
    [InlineData("storage.type=nsf", "storage/type")]
    [InlineData("storage.size=5GB", "storage/size")]
    [InlineData("storage.accessModes={ReadWrite}", "storage/accessModes/0")]
    [InlineData("image.digest=abc", "image/digest")]
    [InlineData("resources.requests.cpu=lots", "resources/requests/cpu")]
    [InlineData("resources.request.cpu=1", "request")]
    [InlineData("service.type=Node", "service/type")]
    [InlineData("service.port=70000", "service/port")]
    [InlineData("service.clusterIPs={primary}", "service/clusterIPs/0")]
    [InlineData("service.ipFamilies={ipv4}", "service/ipFamilies/0")]
    [InlineData("sync.interval=often", "sync/interval")]
    [InlineData("networkPolicy.nodeCIDRs={10.0.0.0}", "networkPolicy/nodeCIDRs/0")]
    [InlineData("garbageCollection.schedule=weekly", "garbageCollection/schedule")]
    [InlineData("pullThrough.upstream=docker.io", "pullThrough/upstream")]
    [InlineData("imagePullSecrets={login}", "imagePullSecrets/0")]
    public async Task Template_ValueOutsideTheSchema_IsRefusedByName(string value, string named)
    {
        var older = await RenderAsync("helm3", value);
        var newer = await RenderAsync("helm4", value);

        // Helm 3 writes a.b.0, Helm 4 /a/b/0.
        Assert.Contains(named.Replace('/', '.'), older, StringComparison.Ordinal);
        Assert.Contains(named, newer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("storage.size=", "storage.size is empty: set the size of a replica's volume, such as 50Gi.")]
    [InlineData("storage.type=existingClaim",
        "storage.existingClaim.claimName is empty: name the claim to mount, or choose another storage.type.")]
    [InlineData("storage.type=hostPath", "storage.hostPath.path is empty: set a folder of the nodes, or choose another storage.type.")]
    [InlineData("storage.type=nfs,storage.nfs.server=a",
        "storage.nfs needs both server and path: set them, or choose another storage.type.")]
    [InlineData("storage.type=s3", "storage.s3 needs both bucket and region: set them, or choose another storage.type.")]
    [InlineData("storage.type=s3,storage.s3.bucket=a",
        "httpSecret.secretName is empty, but 2 replicas share the storage s3: name a Secret with a random text in its key "
            + "httpSecret, so that any replica can go on with an upload.")]
    [InlineData("pullThrough.enabled=true",
        "pullThrough.upstream is empty: set the URL of the registry to cache, such as https://registry-1.docker.io.")]
    [InlineData("pullThrough.enabled=true,pullThrough.upstream=https://a,storage.type=existingClaim,storage.existingClaim.claimName=a",
        "pullThrough.enabled needs private storage, but 2 replicas share the storage existingClaim and would expire each other's "
            + "images: set replicas to 1 or storage.type to pvc.")]
    [InlineData("pullThrough.enabled=true,pullThrough.upstream=https://a,garbageCollection.enabled=true",
        "garbageCollection.enabled can't be used with pullThrough.enabled: a cache removes images itself when pullThrough.ttl is "
            + "over; set one of them to false.")]
    [InlineData("garbageCollection.enabled=true,storage.type=emptyDir",
        "garbageCollection.enabled can't be used with storage.type emptyDir: collecting restarts the pods, which empties their "
            + "volumes; set it to false or choose another storage.type.")]
    [InlineData("ingress.enabled=true", "ingress.hosts is empty: list the host names that the Ingress answers to.")]
    [InlineData("metrics.serviceMonitor.enabled=true", "metrics.serviceMonitor.enabled needs metrics.enabled: set it to true too.")]
    [InlineData("service.nodePort=30443",
        "service.nodePort is 30443, but service.type is ClusterIP: set the type to NodePort, or the port to 0.")]
    [InlineData("primaryService.nodePort=30443",
        "primaryService.nodePort is 30443, but primaryService.type is ClusterIP: set the type to NodePort, or the port to 0.")]
    [InlineData("primaryService.ipFamilyPolicy=SingleStack,primaryService.clusterIPs={10.0.0.1,fd00::1}",
        "primaryService.clusterIPs has 2 addresses, but primaryService.ipFamilyPolicy is SingleStack: set it to PreferDualStack or "
            + "RequireDualStack, or keep one address.")]
    public async Task Template_ValuesThatDoNotGoTogether_AreRefusedWithARemedy(string values, string sentence)
    {
        Assert.Contains(sentence, await RenderAsync("helm3", values), StringComparison.Ordinal);
        Assert.Contains(sentence, await RenderAsync("helm4", values), StringComparison.Ordinal);
    }

    /// <summary>What a Helm without the schema's check says of the one value that has no default elsewhere.</summary>
    [Fact]
    public async Task Template_NoSecretAndNoSchema_IsRefusedToo()
    {
        var said = await RenderAsync("helm3", "tls.secretName=", "--skip-schema-validation");

        Assert.Contains(
            "tls.secretName is empty: name the Secret with tls.crt, tls.key and ca.crt of the registry.", said, StringComparison.Ordinal);
    }

    private static async Task<string> RenderAsync(string helm, string values, params string[] more)
    {
        var run =
            await new HelmProgram(helm).TryRenderAsync(ChartFolder.Open("registry").Path, CancellationToken, ["--set", values, .. more]);
        Assert.NotEqual(0, run.ExitCode);
        return run.Errors;
    }
}
