using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Cluster;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>The registry chart's options, each installed once by the real Helm into a cluster with a node, and used.</summary>
[Collection(OnOneNode.Name)]
public sealed class RegistryInstallTests(SharedCluster shared) : IDisposable
{
    private const string Login = "sync:letmein";
    private const string Users = "sync:$2y$04$BNBIYuVEj778RH.DRflmf..x8ms56QAYsVbC.KGKsSekulTEoRr5C\n";

    private readonly string _images = Directory.CreateTempSubdirectory("capi-registry-hook-images-").FullName;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_images, recursive: true);

    [Fact]
    public async Task Htpasswd_TwoReplicas_LetTheSidecarAndUsersInAndNobodyElse()
    {
        await using var release = await RegistryRelease.PrepareAsync(shared, "registry-htpasswd", CancellationToken);
        await release.CreateSecretAsync("users", CancellationToken, ("htpasswd", Users), ("username", "sync"), ("password", "letmein"));
        await release.InstallAsync("""{"auth": {"htpasswd": {"secretName": "users"}}}""", CancellationToken);

        await using var primary = await release.ToPrimaryAsync(CancellationToken);
        var stranger = await release.Client(primary).PushAsync(Image("one"), "library/app:1", CancellationToken);
        var digest = await PushAsync(release, primary, "one", Login);

        Assert.Contains("authentication required", stranger.Errors, StringComparison.Ordinal);
        await release.WaitForImageAsync(1, "library/app:1", digest, Login, CancellationToken);
    }

    /// <summary>
    /// The plugin of the local backend does not enforce policies; that it is accepted and that the registry works beside it is what is
    /// seen here.
    /// </summary>
    [Fact]
    public async Task HostPathAndNetworkPolicy_OneReplica_KeepsImagesWhenItsPodIsReplaced()
    {
        await using var release = await RegistryRelease.PrepareAsync(shared, "registry-host-path", CancellationToken);
        const string Folder = "/var/lib/registry-host-path";
        (await release.Node.RunAsync(CancellationToken, "sh", "-c", $"mkdir -p {Folder} && chown 65532:65532 {Folder}")).OutputOfSuccess();
        try
        {
            await release.InstallAsync(
                $$$"""{"replicas": 1, "storage": {"type": "hostPath", "hostPath": {"path": "{{{Folder}}}"}}, "networkPolicy": {"enabled": true, "nodeCIDRs": ["10.0.0.0/8", "172.16.0.0/12"]}}""", CancellationToken);
            string digest;
            await using (var primary = await release.ToPrimaryAsync(CancellationToken))
                digest = await PushAsync(release, primary, "one");

            await release.KubectlAsync(CancellationToken, "delete", "pod", "registry-0");
            await release.Kubectl.WaitForRolloutAsync(
                release.Namespace, "statefulset/registry", TimeSpan.FromSeconds(180), CancellationToken);

            await release.WaitForImageAsync(0, "library/app:1", digest, credentials: null, CancellationToken);
            Assert.Equal("registry-0\n", (await release.Node.RunAsync(CancellationToken, "ls", Folder)).OutputOfSuccess());
            Assert.Equal(
                "registry",
                await release.KubectlAsync(CancellationToken, "get", "networkpolicies", "--output=jsonpath={.items[*].metadata.name}"));
        }
        finally
        {
            await release.Node.RemoveAsync(Folder, CancellationToken.None);
        }
    }

    /// <summary>Nobody prepared the folder, and the Job finds the container that collects behind the one that does.</summary>
    [Fact]
    public async Task HostPathPrepare_FolderIsMissing_MakesItAndCollects()
    {
        await using var release = await RegistryRelease.PrepareAsync(shared, "registry-prepare", CancellationToken);
        const string Folder = "/var/lib/registry-prepare";
        try
        {
            await release.InstallAsync(
                $$$"""{"replicas": 1, "storage": {"type": "hostPath", "hostPath": {"path": "{{{Folder}}}", "prepare": true}}, "delete": {"enabled": true}, "garbageCollection": {"enabled": true}}""",
                CancellationToken);
            var deleted = await PushTwoDeleteOneAsync(release);
            await RunCollectionAsync(release);

            Assert.DoesNotContain(deleted, await BlobsAsync(release), StringComparison.Ordinal);
            Assert.Equal("65532 65532", (await release.Node.RunAsync(CancellationToken, "stat", "-c", "%u %g", $"{Folder}/registry-0"))
                .OutputOfSuccess().Trim());
        }
        finally
        {
            await release.Node.RemoveAsync(Folder, CancellationToken.None);
        }
    }

    /// <summary>A tag moves from the primary to the others and never back, also when the primary starts with nothing.</summary>
    [Fact]
    public async Task ThreeReplicas_TagMovedAndPrimaryEmptied_AllHaveTheNewImage()
    {
        await using var release = await RegistryRelease.PrepareAsync(shared, "registry-three", CancellationToken);
        await release.InstallAsync("""{"replicas": 3, "storage": {"type": "emptyDir"}}""", CancellationToken);
        string second;
        await using (var primary = await release.ToPrimaryAsync(CancellationToken))
        {
            var first = await PushAsync(release, primary, "one");
            await WaitForAllAsync(release, first, 1, 2);
            second = await PushAsync(release, primary, "two");
            Assert.NotEqual(first, second);
            await WaitForAllAsync(release, second, 1, 2, 0);
        }

        await release.KubectlAsync(CancellationToken, "delete", "pod", "registry-0", "--force", "--grace-period=0");
        await release.Kubectl.WaitForRolloutAsync(release.Namespace, "statefulset/registry", TimeSpan.FromSeconds(180), CancellationToken);

        await WaitForAllAsync(release, second, 0, 1, 2);
        await using (var filled = release.ToReplica(0))
            (await release.Client(filled).PullAsync("library/app:1", CancellationToken)).OutputOfSuccess();

        // Promotion: replica 1 takes pushes, and replica 0 copies from it.
        await release.InstallAsync("""{"replicas": 3, "storage": {"type": "emptyDir"}, "sync": {"primary": 1}}""", CancellationToken);
        await using var promoted = await release.ToPrimaryAsync(CancellationToken);
        await WaitForAllAsync(release, await PushAsync(release, promoted, "three"), 1, 0, 2);
    }

    /// <summary>The pull Service leads to a cache by its port, and to the registry by its own.</summary>
    [Fact]
    public async Task Upstreams_CacheBesideTheRegistry_ServesByItsPort()
    {
        await using var release = await RegistryRelease.PrepareAsync(shared, "registry-caches", CancellationToken);
        await release.InstallAsync("""{"replicas": 1}""", CancellationToken);
        await using (var upstream = await release.ToPrimaryAsync(CancellationToken))
            await PushAsync(release, upstream, "one");
        await release.InstallAsync(
            """
            {"replicas": 1, "trustedCA": {"secretName": "registry-tls"}, "pullThrough": {"storage": {"type": "emptyDir"}, "upstreams":
              [{"host": "images.test", "port": 5001, "remoteURL": "https://registry-primary.registry-caches.svc.cluster.local"}]}}
            """,
            CancellationToken);

        await using (var cache = release.ToReplica(0, "registry-images-test"))
            (await release.Client(cache).PullAsync("library/app:1", CancellationToken)).OutputOfSuccess();
        Assert.Equal(await AddressAsync("registry-images-test-0"), await BehindAsync(5000, "cache-5001"));
        Assert.Equal(await AddressAsync("registry-0"), await BehindAsync(5000, "https"));

        Task<string> AddressAsync(string pod) => release.KubectlAsync(CancellationToken, "get", $"pod/{pod}",
            "--output=jsonpath={.status.podIP}");

        async Task<string> BehindAsync(int port, string name)
        {
            var endpoints = JsonNode.Parse(await release.KubectlAsync(CancellationToken, "get", "endpoints/registry",
                "--output=json"))!["subsets"]!.AsArray();
            var subset = Assert.Single(endpoints, entry => (entry!["ports"] as JsonArray ?? []).Any(open => (string)open!["name"]! == name
                && (int)open["port"]! == port));
            return (string)Assert.Single(subset!["addresses"]!.AsArray())!["ip"]!;
        }
    }

    [Fact]
    public async Task PullThrough_UpstreamGone_ServesWhatItHasAndTakesNoPush()
    {
        await using var release = await RegistryRelease.PrepareAsync(shared, "registry-cache", CancellationToken);
        await release.InstallAsync("""{"replicas": 1}""", CancellationToken);
        await using (var upstream = await release.ToPrimaryAsync(CancellationToken))
            await PushAsync(release, upstream, "one");
        await release.InstallAsync(
            """{"replicas": 1, "pullThrough": {"enabled": true, "upstream": "https://registry-primary.registry-cache.svc.cluster.local"}, "trustedCA": {"secretName": "registry-tls"}}""",
            CancellationToken, "cache");

        await using var cache = await release.ToPrimaryAsync(CancellationToken, "cache");
        (await release.Client(cache).PullAsync("library/app:1", CancellationToken)).OutputOfSuccess();
        var pushed = await release.Client(cache).PushAsync(Image("two"), "library/app:2", CancellationToken);
        await release.KubectlAsync(CancellationToken, "scale", "statefulset/registry", "--replicas=0");
        await release.KubectlAsync(CancellationToken, "delete", "pod", "registry-0", "--force", "--grace-period=0", "--ignore-not-found");
        (await release.Client(cache).PullAsync("library/app:1", CancellationToken)).OutputOfSuccess();

        Assert.Contains("unsupported", pushed.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DeleteAndCollect_OneReplica_RemovesTheLayersOfWhatWasDeletedOnly()
    {
        await using var release = await RegistryRelease.PrepareAsync(shared, "registry-collect", CancellationToken);
        await release.InstallAsync(
            """{"replicas": 1, "delete": {"enabled": true}, "garbageCollection": {"enabled": true}}""", CancellationToken);
        var deleted = await PushTwoDeleteOneAsync(release);

        await RunCollectionAsync(release);

        Assert.DoesNotContain(deleted, await BlobsAsync(release), StringComparison.Ordinal);
        await AssertKeptAndPushableAsync(release);

        // A second Job of the same name runs; what fails is the Job's failure, with the cause, and the registry serves.
        await release.KubectlAsync(CancellationToken, "exec", "registry-0", "--container=registry", "--", "sh", "-c",
            "for file in $(find /var/lib/registry -name data); do echo '{' >$file; done");
        await release.KubectlAsync(CancellationToken, "delete", "job/collect-now");
        await StartCollectionAsync(release);
        await release.Kubectl.WaitForAsync(release.Namespace, "job/collect-now", "condition=Failed", TimeSpan.FromSeconds(180),
            CancellationToken);
        Assert.Contains("failed: failed to garbage collect", await release.KubectlAsync(CancellationToken, "logs", "job/collect-now",
            "--container=result"), StringComparison.Ordinal);
        await release.Kubectl.WaitForRolloutAsync(release.Namespace, "statefulset/registry", TimeSpan.FromSeconds(180), CancellationToken);
    }

    /// <summary>Two replicas on one claim: both take pushes, and nobody does while the Job collects.</summary>
    [Fact]
    public async Task DeleteAndCollect_SharedClaim_IsReadOnlyMeanwhile()
    {
        await using var release = await RegistryRelease.PrepareAsync(shared, "registry-shared", CancellationToken);
        await release.Kubectl.ApplyAsync(Claim(release.Namespace), CancellationToken);
        await release.CreateSecretAsync("http", CancellationToken, ("httpSecret", Guid.NewGuid().ToString()));
        await release.InstallAsync(
            """{"storage": {"type": "existingClaim", "existingClaim": {"claimName": "images", "folder": "one"}}, "httpSecret": {"secretName": "http"}, "delete": {"enabled": true}, "garbageCollection": {"enabled": true}}""",
            CancellationToken);
        var deleted = await PushTwoDeleteOneAsync(release);
        Assert.Contains(deleted, await BlobsAsync(release, 1), StringComparison.Ordinal);

        await StartCollectionAsync(release);
        await Polling.UntilAsync("read-only", () => IsReadOnlyAsync(release), () => "Every push was taken.", CancellationToken);
        await EndOfCollectionAsync(release);
        await release.Kubectl.WaitForRolloutAsync(release.Namespace, "statefulset/registry", TimeSpan.FromSeconds(180), CancellationToken);

        Assert.DoesNotContain(deleted, await BlobsAsync(release), StringComparison.Ordinal);
        await AssertKeptAndPushableAsync(release);
    }

    private string Image(string content) => SmallImage.Write(_images, content);

    private async Task<string> PushAsync(
        RegistryRelease release, PortForward to, string content, string? credentials = null, string tag = "1")
    {
        var client = release.Client(to, credentials);
        (await client.PushAsync(Image(content), $"library/app:{tag}", CancellationToken)).OutputOfSuccess();
        return (string)JsonNode.Parse((await client.InspectAsync($"library/app:{tag}", CancellationToken)).OutputOfSuccess())!["Digest"]!;
    }

    private static async Task WaitForAllAsync(RegistryRelease release, string digest, params int[] replicas)
    {
        foreach (var replica in replicas)
            await release.WaitForImageAsync(replica, "library/app:1", digest, credentials: null, CancellationToken);
    }

    /// <summary>Returns the digest, without its algorithm, of a layer that only the deleted image has.</summary>
    private async Task<string> PushTwoDeleteOneAsync(RegistryRelease release)
    {
        await using var primary = await release.ToPrimaryAsync(CancellationToken);
        await PushAsync(release, primary, "one", tag: "1");
        await PushAsync(release, primary, "two", tag: "2");
        var inspected = (await release.Client(primary).InspectAsync("library/app:1", CancellationToken)).OutputOfSuccess();
        (await release.Client(primary).DeleteAsync("library/app:1", CancellationToken)).OutputOfSuccess();
        var layer = ((string)JsonNode.Parse(inspected)!["Layers"]![0]!)["sha256:".Length..];
        Assert.Contains(layer, await BlobsAsync(release), StringComparison.Ordinal);
        return layer;
    }

    // The registry must not believe that it still has the layers of the deleted image.
    private async Task AssertKeptAndPushableAsync(RegistryRelease release)
    {
        await using var primary = await release.ToPrimaryAsync(CancellationToken);
        (await release.Client(primary).PullAsync("library/app:2", CancellationToken)).OutputOfSuccess();
        Assert.Contains(
            "manifest unknown", (await release.Client(primary).PullAsync("library/app:1", CancellationToken)).Errors,
            StringComparison.Ordinal);
        await PushAsync(release, primary, "one", tag: "1");
        (await release.Client(primary).PullAsync("library/app:1", CancellationToken)).OutputOfSuccess();
    }

    private static Task<string> BlobsAsync(RegistryRelease release, int replica = 0) =>
        release.KubectlAsync(
            CancellationToken, "exec", $"registry-{replica}", "--container=registry", "--", "find", "/var/lib/registry", "-path",
            "*/blobs/sha256/*", "-name", "data");

    private static async Task RunCollectionAsync(RegistryRelease release)
    {
        await StartCollectionAsync(release);
        await EndOfCollectionAsync(release);
    }

    private static Task StartCollectionAsync(RegistryRelease release) => release.StartCollectionAsync("collect-now", CancellationToken);

    private static Task EndOfCollectionAsync(RegistryRelease release) =>
        release.Kubectl.WaitForAsync(
            release.Namespace, "job/collect-now", "condition=Complete", TimeSpan.FromSeconds(180), CancellationToken);

    private async Task<bool> IsReadOnlyAsync(RegistryRelease release)
    {
        await using var replica = release.ToReplica(1);
        var pushed = await release.Client(replica).PushAsync(Image("three"), "library/other:1", CancellationToken);
        return pushed.Errors.Contains("405", StringComparison.Ordinal)
            || pushed.Errors.Contains("unsupported", StringComparison.OrdinalIgnoreCase);
    }

    internal static string Claim(string @namespace) => $$"""
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: images, namespace: {{@namespace}} }
        spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 100Mi} } }
        """;
}
