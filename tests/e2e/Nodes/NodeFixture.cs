using System.Net;
using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Nodes;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Logins;
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

    private const string CertsDirectory = "/etc/containerd/certs.d";

    private readonly NodeSandbox _sandbox;
    private readonly CertificateKeyPair _root = Root();
    private INodeRuntime _runtime = null!;

    private NodeFixture(NodeSandbox sandbox) => _sandbox = sandbox;

    /// <summary>The place in which all of it runs.</summary>
    public NodeSandbox Sandbox => _sandbox;

    /// <summary>Starts the registries and containerd: 1.6 without CRI, or the one that <see cref="CriNode"/> is told to take.</summary>
    public static async Task<NodeFixture> StartAsync(CancellationToken cancellationToken)
    {
        var fixture = await StartRegistriesAsync(cancellationToken);
        try
        {
            fixture._runtime = CriNode.IsChosen
                ? await fixture.StartChosenAsync(cancellationToken) : await CtrNode.StartAsync(fixture._sandbox, cancellationToken);
            return fixture;
        }
        catch
        {
            await fixture.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the registries alone, for a containerd of the test's own.</summary>
    public static async Task<NodeFixture> StartRegistriesAsync(CancellationToken cancellationToken)
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
        if (Directory.Exists(_sandbox.Outside(CertsDirectory)))
            Directory.Delete(_sandbox.Outside(CertsDirectory), recursive: true);
        var nodes = Plan($"{{ addons: {{ registry: {{ mirror: {mirror} }} }} }}", NodeFormat.V1);
        foreach (var file in nodes.Files.Where(file => file.Content is not null))
            _sandbox.Write(file.Path, file.Content!);
    }

    /// <summary>
    /// Replaces the node's files with those of the latest version for a registry's settings, and runs what is to run before kubeadm. Files
    /// from Secrets get the content of <paramref name="secrets"/>, by name and key.
    /// </summary>
    /// <returns>What the commands said.</returns>
    public async Task<string> GiveFilesAsync(
        string registry, IReadOnlyDictionary<(string Name, string Key), string> secrets, CancellationToken cancellationToken)
    {
        if (Directory.Exists(_sandbox.Outside(CertsDirectory)))
            Directory.Delete(_sandbox.Outside(CertsDirectory), recursive: true);
        var nodes = Plan($"{{ addons: {{ registry: {registry} }} }}", NodeFormat.V3);
        foreach (var file in nodes.Files)
        {
            if (file.Content is { } content)
                _sandbox.Write(file.Path, content);
            else if (secrets.TryGetValue((file.Source!.SecretName, file.Source.Key), out var value))
                _sandbox.Write(file.Path, value);
        }

        var said = new StringBuilder();
        foreach (var command in nodes.Commands)
            said.Append(await _sandbox.RunWellAsync("/bin/sh", ["-c", command], cancellationToken));
        return said.ToString();
    }

    /// <summary>What a hosts file of the node says.</summary>
    public string HostsOf(string folder) => File.ReadAllText(_sandbox.Outside($"{CertsDirectory}/{folder}/hosts.toml"));

    /// <summary>True when the node has a file at that path.</summary>
    public bool HasFile(string path) => File.Exists(_sandbox.Outside(path));

    /// <summary>Lets a registry answer nobody without this login from now on.</summary>
    public async Task RequireLoginAsync(string address, RegistryLogin login, CancellationToken cancellationToken)
    {
        await StopAsync(address);
        File.Delete(_sandbox[$"registry-{address}.log"]);
        _sandbox.Write($"/etc/registry/{address}.htpasswd", login.Htpasswd);
        var configuration = _sandbox.Outside($"/etc/registry/{address}.yml");
        if (!(await File.ReadAllTextAsync(configuration, cancellationToken)).Contains("auth:", StringComparison.Ordinal))
        {
            await File.AppendAllTextAsync(
                configuration, $"\nauth: {{ htpasswd: {{ realm: registry, path: /etc/registry/{address}.htpasswd }} }}\n",
                cancellationToken);
        }

        await ServeAsync(address, cancellationToken);
    }

    /// <summary>Starts a registry of somebody else, and returns the authority that its certificate is from.</summary>
    public async Task<string> StartMirrorAsync(string address, CancellationToken cancellationToken)
    {
        using var root = Root();
        await StartRegistryAsync(address, root, cancellationToken);
        return root.CertificatePem;
    }

    /// <summary>Lets a registry serve a certificate of a new root from now on, while nodes know the former one alone.</summary>
    /// <param name="address">The registry's.</param>
    /// <param name="isCrossCertified">Whether it serves the cross-certificate that leads from the former root to the new one.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task RotateRootAsync(string address, bool isCrossCertified, CancellationToken cancellationToken)
    {
        using var root = Root();
        using var former = Load(_root);
        using var alone = Load(root);
        using var authority = Load(root, isCrossCertified ? former.CrossCertificateTo(alone, TimeProvider.System) : "");
        await StopAsync(address);
        File.Delete(_sandbox[$"registry-{address}.log"]);
        WriteCertificate(address, authority);
        await ServeAsync(address, cancellationToken);
    }

    /// <summary>Puts another CA where nodes have the registry's.</summary>
    public void GiveForeignCa()
    {
        using var other = Root();
        _sandbox.Write("/etc/containerd/registry-addon/ca.crt", other.CertificatePem);
    }

    /// <summary>Pushes an image of its own to a registry, and returns its digest.</summary>
    public async Task<string> PushAsync(
        string address, string repository, CancellationToken cancellationToken, RegistryLogin? login = null)
    {
        var image = TinyImage.Write(_sandbox[$"image-{Guid.NewGuid():N}"], address + repository);
        var skopeo = await TestTools.PathOfAsync("skopeo");
        await _sandbox.RunWellAsync(skopeo, ["copy", "--preserve-digests", "--dest-tls-verify=false", "--insecure-policy",
            .. login is null ? Array.Empty<string>() : ["--dest-creds", $"{login.UserName}:{login.Password}"],
            $"oci:{image.Folder}", $"docker://{address}/{repository}"], cancellationToken);
        return image.Digest;
    }

    /// <summary>Pulls an image as if it were not there, and returns the digest; null when it can't be had.</summary>
    public Task<string?> PullAsync(string reference, CancellationToken cancellationToken) =>
        _runtime.PullAsync(reference, cancellationToken);

    public Task StopAsync(string address) => _sandbox.StopServerAsync($"registry-{address}");

    /// <summary>True when containerd asked a registry for a repository; who pushed there does not count.</summary>
    public bool WasAsked(string address, string repository) => _sandbox.LogOf($"registry-{address}").Split('\n')
        .Any(line => line.Contains($"/v2/{repository}/", StringComparison.Ordinal)
        && line.Contains("containerd/", StringComparison.Ordinal));

    public ValueTask DisposeAsync()
    {
        _root.Dispose();
        return _sandbox.DisposeAsync();
    }

    private async Task FurnishAsync(CancellationToken cancellationToken)
    {
        using var upstreamRoot = Root();
        _sandbox.Write("/etc/upstream-ca.crt", upstreamRoot.CertificatePem);
        _sandbox.Write("/etc/containerd/registry-addon/ca.crt", _root.CertificatePem);
        foreach (var (address, authority) in new[] { (Pull, _root), (Primary, _root), (Upstream, upstreamRoot) })
            await StartRegistryAsync(address, authority, cancellationToken);
    }

    private async Task StartRegistryAsync(string address, CertificateKeyPair root, CancellationToken cancellationToken)
    {
        await _sandbox.AddAddressAsync(IPAddress.Parse(address), cancellationToken);
        using var authority = Load(root);
        WriteCertificate(address, authority);
        _sandbox.Write($"/etc/registry/{address}.yml", $$"""
            version: 0.1
            log: { level: info, fields: {} }
            storage: { filesystem: { rootdirectory: {{_sandbox[$"storage-{address}"]}} } }
            http: { addr: "{{address}}:443", tls: { certificate: /etc/registry/{{address}}.crt, key: /etc/registry/{{address}}.key } }
            """);
        await ServeAsync(address, cancellationToken);
    }

    private void WriteCertificate(string address, CertificateAuthority authority)
    {
        var names = ServerNames.Create([], [IPAddress.Parse(address)]);
        using var issued = authority.Issue(
            new ServerCertificateRequest("registry", names, KeyAlgorithm.EcdsaP256, TimeSpan.FromDays(30)), TimeProvider.System);
        _sandbox.Write($"/etc/registry/{address}.crt", issued.CertificatePem);
        _sandbox.Write($"/etc/registry/{address}.key", Encoding.ASCII.GetString(issued.PrivateKeyPem.Span));
    }

    private async Task ServeAsync(string address, CancellationToken cancellationToken) =>
        await _sandbox.StartServerAsync($"registry-{address}",
            [await TestTools.PathOfAsync("docker-registry"), "serve", $"/etc/registry/{address}.yml"], "listening on", cancellationToken);

    private static NodePlan Plan(string variable, NodeFormat format)
    {
        var manifest = $$"""
            apiVersion: cluster.x-k8s.io/v1beta2
            kind: Cluster
            metadata: { name: c1, namespace: default, uid: 8d53b13a-1537-4b39-910e-2aaf6a9bc625 }
            spec: { topology: { variables: [{ name: clusterConfig, value: {{variable}} }] } }
            """;
        var nodes = new ClusterNodes(ClusterManifest.Read(manifest)[0], new RegistryOptions(), format).Plan();
        return Assert.IsType<NodePlanResult.Wanted>(nodes).Nodes;
    }

    private async Task<INodeRuntime> StartChosenAsync(CancellationToken cancellationToken)
    {
        var node = await CriNode.CreateAsync(_sandbox, cancellationToken);
        await node.StartAsync($"""
            version = 2
            [plugins."io.containerd.grpc.v1.cri".registry]
              config_path = "{CertsDirectory}"

            """, cancellationToken);
        return node;
    }

    private static CertificateAuthority Load(CertificateKeyPair root, string crossCertificates = "") =>
        CertificateAuthority.Load(
            Encoding.ASCII.GetBytes(root.CertificatePem), root.PrivateKeyPem.Span, default, Encoding.ASCII.GetBytes(crossCertificates));

    private static CertificateKeyPair Root() =>
        CertificateAuthority.CreateRoot(
            new RootRequest("registry-addon", KeyAlgorithm.EcdsaP256, TimeSpan.FromDays(3650)), TimeProvider.System);
}
