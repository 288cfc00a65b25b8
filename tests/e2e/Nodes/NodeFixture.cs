using System.Net;
using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Nodes;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.EndToEnd.Tests.Nodes;

/// <summary>
/// A node with a real containerd and the files that GeneratePatches gives it, both Services of the registry, and an upstream registry:
/// all real processes with certificates of the product's own making.
/// </summary>
internal sealed class NodeFixture : IAsyncDisposable
{
    public const string Pull = "10.96.0.20";
    public const string Primary = "10.96.0.21";
    public const string Upstream = "192.0.2.10";

    private readonly NodeSandbox _sandbox;

    private NodeFixture(NodeSandbox sandbox) => _sandbox = sandbox;

    public static async Task<NodeFixture> StartAsync(CancellationToken cancellationToken)
    {
        var fixture = new NodeFixture(await NodeSandbox.CreateAsync(cancellationToken));
        try
        {
            await fixture.FurnishAsync(cancellationToken);
            return fixture;
        }
        catch
        {
            await fixture.DisposeAsync();
            throw;
        }
    }

    /// <summary>Replaces the node's files with those for a mirror setting; the CA stays as it is.</summary>
    public void GiveFiles(string mirror)
    {
        if (Directory.Exists(_sandbox.Outside("/etc/containerd/certs.d")))
            Directory.Delete(_sandbox.Outside("/etc/containerd/certs.d"), recursive: true);
        var manifest = $$"""
            apiVersion: cluster.x-k8s.io/v1beta2
            kind: Cluster
            metadata: { name: c1, namespace: default }
            spec: { topology: { variables: [{ name: clusterConfig, value: { addons: { registry: { mirror: {{mirror}} } } } }] } }
            """;
        var nodes =
            Assert.IsType<NodePlanResult.Wanted>(new ClusterNodes(ClusterManifest.Read(manifest)[0], new RegistryOptions()).Plan()).Nodes;
        foreach (var file in nodes.Files.Where(file => file.Content is not null))
            _sandbox.Write(file.Path, file.Content!);
    }

    /// <summary>Puts another CA where nodes have the registry's.</summary>
    public void GiveForeignCa()
    {
        using var other = Root();
        _sandbox.Write("/etc/containerd/registry-addon/ca.crt", other.CertificatePem);
    }

    /// <summary>Pushes an image of its own to a registry, and returns its digest.</summary>
    public async Task<string> PushAsync(string address, string repository, CancellationToken cancellationToken)
    {
        var image = TinyImage.Write(_sandbox[$"image-{Guid.NewGuid():N}"], address + repository);
        var skopeo = await TestTools.PathOfAsync("skopeo");
        await _sandbox.RunWellAsync(skopeo, ["copy", "--preserve-digests", "--dest-tls-verify=false", "--insecure-policy",
            $"oci:{image.Folder}", $"docker://{address}/{repository}"], cancellationToken);
        return image.Digest;
    }

    /// <summary>Pulls as containerd's clients do, and returns the digest; null when it can't be had.</summary>
    public async Task<string?> PullAsync(string reference, CancellationToken cancellationToken)
    {
        var ctr = await TestTools.PathOfAsync("ctr");
        string[] common = ["--address", _sandbox["containerd.sock"], "--namespace", "test", "images"];
        await _sandbox.RunAsync(ctr, [.. common, "remove", "--sync", reference], cancellationToken);
        var pull = await _sandbox.RunAsync(
            ctr, [.. common, "pull", "--snapshotter", "native", "--hosts-dir", "/etc/containerd/certs.d", reference], cancellationToken,
            new Dictionary<string, string?> { ["SSL_CERT_FILE"] = "/etc/upstream-ca.crt" });
        if (pull.ExitCode != 0)
            return null;
        var list = await _sandbox.RunWellAsync(ctr, [.. common, "list", $"name=={reference}"], cancellationToken);
        return list.Split(' ', StringSplitOptions.RemoveEmptyEntries).First(word => word.StartsWith("sha256:", StringComparison.Ordinal));
    }

    public Task StopAsync(string address) => _sandbox.StopServerAsync($"registry-{address}");

    /// <summary>True when containerd asked a registry for a repository; who pushed there does not count.</summary>
    public bool WasAsked(string address, string repository) => _sandbox.LogOf($"registry-{address}").Split('\n')
        .Any(line => line.Contains($"/v2/{repository}/", StringComparison.Ordinal)
        && line.Contains("containerd/", StringComparison.Ordinal));

    public ValueTask DisposeAsync() => _sandbox.DisposeAsync();

    private async Task FurnishAsync(CancellationToken cancellationToken)
    {
        using var root = Root();
        using var upstreamRoot = Root();
        _sandbox.Write("/etc/upstream-ca.crt", upstreamRoot.CertificatePem);
        _sandbox.Write("/etc/containerd/registry-addon/ca.crt", root.CertificatePem);
        foreach (var (address, authority) in new[] { (Pull, root), (Primary, root), (Upstream, upstreamRoot) })
            await StartRegistryAsync(address, authority, cancellationToken);
        await StartContainerdAsync(cancellationToken);
    }

    private async Task StartRegistryAsync(string address, CertificateKeyPair root, CancellationToken cancellationToken)
    {
        await _sandbox.AddAddressAsync(IPAddress.Parse(address), cancellationToken);
        using var authority = CertificateAuthority.Load(Encoding.ASCII.GetBytes(root.CertificatePem), root.PrivateKeyPem.Span, []);
        var names = ServerNames.Create([], [IPAddress.Parse(address)]);
        using var issued = authority.Issue(
            new ServerCertificateRequest("registry", names, KeyAlgorithm.EcdsaP256, TimeSpan.FromDays(30)), TimeProvider.System);
        _sandbox.Write($"/etc/registry/{address}.crt", issued.CertificatePem);
        _sandbox.Write($"/etc/registry/{address}.key", Encoding.ASCII.GetString(issued.PrivateKeyPem.Span));
        _sandbox.Write($"/etc/registry/{address}.yml", $$"""
            version: 0.1
            log: { level: info, fields: {} }
            storage: { filesystem: { rootdirectory: {{_sandbox[$"storage-{address}"]}} } }
            http: { addr: "{{address}}:443", tls: { certificate: /etc/registry/{{address}}.crt, key: /etc/registry/{{address}}.key } }
            """);
        await _sandbox.StartServerAsync($"registry-{address}",
            [await TestTools.PathOfAsync("docker-registry"), "serve", $"/etc/registry/{address}.yml"], "listening on", cancellationToken);
    }

    private async Task StartContainerdAsync(CancellationToken cancellationToken)
    {
        _sandbox.Write("/etc/containerd/test.toml", $"""
            version = 2
            root = "{_sandbox["containerd-root"]}"
            state = "{_sandbox["containerd-state"]}"
            disabled_plugins = ["io.containerd.grpc.v1.cri"]
            [grpc]
              address = "{_sandbox["containerd.sock"]}"
            """);
        await _sandbox.StartServerAsync("containerd", [await TestTools.PathOfAsync("containerd"), "--config", "/etc/containerd/test.toml"],
            "containerd successfully booted", cancellationToken);
    }

    private static CertificateKeyPair Root() =>
        CertificateAuthority.CreateRoot(
            new RootRequest("registry-addon", KeyAlgorithm.EcdsaP256, TimeSpan.FromDays(3650)), TimeProvider.System);
}
