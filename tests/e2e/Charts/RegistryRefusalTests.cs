using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>Values that the registry chart refuses, and that it says which and why.</summary>
public sealed class RegistryRefusalTests
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("repliacs=3", "repliacs")]
    [InlineData("service.prot=1", "prot")]
    [InlineData("storage.s3.buckets=a", "buckets")]
    [InlineData("enabled=false", "enabled")]
    [InlineData("service.loadBalancerSourceRanges={10.0.0.0}", "service/loadBalancerSourceRanges/0")]
    [InlineData("gateway.kind=TCPRoute", "gateway/kind")]
    [InlineData("spread=Always", "spread")]
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
    [InlineData("sync.interval=0s", "sync/interval")]
    [InlineData("sync.interval=0h0m", "sync/interval")]
    [InlineData("sync.interval=500ms", "sync/interval")]
    [InlineData("image.tag=", "image/tag")]
    [InlineData("sync.image.tag=", "sync/image/tag")]
    [InlineData("sync.pull=Pull", "sync/pull")]
    [InlineData("sync.sources[0].registry=a", "sync/sources/0")]
    [InlineData("sync.sources[0].registry=https://a,sync.sources[0].images[0].source=a:1", "sync/sources/0/registry")]
    [InlineData("sync.sources[0].registry=a,sync.sources[0].images[0].source=app", "sync/sources/0/images/0/source")]
    [InlineData("sync.sources[0].registry=a,sync.sources[0].images[0].source=app:1,sync.sources[0].password=x", "sync/sources/0")]
    [InlineData("sync.sources[0].registry=a,sync.sources[0].images[0].source=app:1,sync.sources[0].interval=0s", "sync/sources/0/interval")]
    [InlineData("garbageCollection.image.tag=", "garbageCollection/image/tag")]
    [InlineData("pullThrough.upstreams[0].host=ghcr.io", "pullThrough/upstreams/0")]
    [InlineData("pullThrough.upstreams[0].host=ghcr.io,pullThrough.upstreams[0].port=5001,"
        + "pullThrough.upstreams[0].remoteURL=https://ghcr.io/foo",
        "pullThrough/upstreams/0/remoteURL")]
    [InlineData("pullThrough.storage.type=s3", "pullThrough/storage/type")]
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
    [InlineData("replicas=1,storage.type=gcs", "storage.gcs.bucket is empty: name the bucket, or choose another storage.type.")]
    [InlineData("replicas=1,storage.type=azure,storage.azure.container=a",
        "storage.azure needs both accountName and container: set them, or choose another storage.type.")]
    [InlineData("replicas=1,storage.type=azure,storage.azure.container=a,storage.azure.accountName=a,image.tag=2.8.3",
        "storage.azure.credentials.secretName is empty, but CNCF Distribution 2 knows account keys only: name a Secret with "
            + "one, or use version 3.")]
    [InlineData("replicas=1,storage.type=s3,storage.s3.bucket=a,serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn=a,"
        + "image.tag=2.8.3",
        "The role of the ServiceAccount (eks.amazonaws.com/role-arn) is not used by CNCF Distribution 2: set "
            + "storage.s3.credentials.secretName, or use version 3.")]
    [InlineData("replicas=1,storage.type=s3,storage.s3.bucket=a,garbageCollection.enabled=true,garbageCollection.deleteUntagged=true",
        "garbageCollection.deleteUntagged can't be used with storage.type s3: one repository that was only pushed to by digest "
            + "makes every collection fail, and a bucket has no folders to mend that; set it to false.")]
    [InlineData("pullThrough.enabled=true,pullThrough.upstream=https://a,replicas=1,sync.pull=true",
        "sync.sources and sync.pull can't be used with pullThrough.enabled: nobody can write to a cache; leave them empty and false.")]
    [InlineData("sync.primary=2", "sync.primary is 2, but there are 2 replicas, counted from 0: name one of them.")]
    [InlineData("networkPolicy.enabled=true,networkPolicy.from[0].podSelector.matchLabels.a=b",
        "networkPolicy.from without networkPolicy.nodeCIDRs would lock out the nodes, which pull: list the nodes' networks there too.")]
    [InlineData("extraEnv[0].name=OTEL_TRACES_EXPORTER,extraEnv[0].value=otlp",
        "extraEnv sets OTEL_TRACES_EXPORTER, which this chart sets too: remove it and use the value that it comes from.")]
    [InlineData("httpSecret.secretName=a,extraEnv[0].name=REGISTRY_HTTP_SECRET,extraEnv[0].value=b",
        "extraEnv sets REGISTRY_HTTP_SECRET, which this chart sets too: remove it and use the value that it comes from.")]
    [InlineData("pullThrough.upstreams[0].host=ghcr.io,pullThrough.upstreams[0].port=443,pullThrough.upstreams[0].remoteURL=https://a",
        "pullThrough.upstreams: the port 443 of ghcr.io is taken by the registry or another cache: give it a port of its own.")]
    [InlineData("pullThrough.upstreams[0].host=ghcr.io,pullThrough.upstreams[0].port=5001,pullThrough.upstreams[0].remoteURL=https://a,"
        + "pullThrough.upstreams[1].host=quay.io,pullThrough.upstreams[1].port=5001,pullThrough.upstreams[1].remoteURL=https://a",
        "pullThrough.upstreams: the port 5001 of quay.io is taken by the registry or another cache: give it a port of its own.")]
    [InlineData("pullThrough.upstreams[0].host=a.b.io,pullThrough.upstreams[0].port=5001,pullThrough.upstreams[0].remoteURL=https://a,"
        + "pullThrough.upstreams[1].host=a-b.io,pullThrough.upstreams[1].port=5002,pullThrough.upstreams[1].remoteURL=https://a",
        "pullThrough.upstreams: a-b.io and another cache would both be called registry-a-b-io: keep one of them.")]
    [InlineData("metrics.prometheusRule.enabled=true", "metrics.prometheusRule.enabled needs metrics.enabled: set it to true too.")]
    [InlineData("ingress.enabled=true", "ingress.hosts is empty: list the host names that the Ingress answers to.")]
    [InlineData("metrics.serviceMonitor.enabled=true", "metrics.serviceMonitor.enabled needs metrics.enabled: set it to true too.")]
    [InlineData("service.nodePort=30443",
        "service.nodePort is 30443, but service.type is ClusterIP: set the type to NodePort, or the port to 0.")]
    [InlineData("primaryService.nodePort=30443",
        "primaryService.nodePort is 30443, but primaryService.type is ClusterIP: set the type to NodePort, or the port to 0.")]
    [InlineData("service.loadBalancerIP=192.0.2.1",
        "service.loadBalancerIP needs service.type LoadBalancer, but it is ClusterIP: set the type, or leave the value empty.")]
    [InlineData("primaryService.type=NodePort,primaryService.loadBalancerSourceRanges={192.0.2.0/24}",
        "primaryService.loadBalancerSourceRanges needs primaryService.type LoadBalancer, but it is NodePort: set the type, or leave "
            + "the value empty.")]
    [InlineData("service.externalTrafficPolicy=Local",
        "service.externalTrafficPolicy is for the types NodePort and LoadBalancer, but service.type is ClusterIP: set the type, or "
            + "leave the value empty.")]
    [InlineData("gateway.enabled=true,gateway.hosts={a.example.com}",
        "gateway.enabled needs gateway.parentRefs and gateway.hosts: name the gateway and the host names that lead to the registry.")]
    [InlineData("gateway.enabled=true,gateway.hosts={a.example.com},gateway.parentRefs[0].name=edge,gateway.kind=HTTPRoute",
        "gateway.backendCA.name is empty, and a gateway that ends TLS would speak plain HTTP to the registry: name the object whose "
            + "key ca.crt verifies it, or set gateway.kind to TLSRoute.")]
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
