using System.Security.Cryptography;

namespace CapiRegistryHook.Harness;

/// <summary>
/// A real kube-apiserver 1.20 with an etcd of its own, as child processes in a temporary folder. The Cluster API and add-on definitions
/// are installed and served when <see cref="StartAsync"/> returns; nothing is left behind after <see cref="DisposeAsync"/> or our own end.
/// </summary>
public sealed class RealApiServer : IApiServer
{
    /// <summary>Service addresses of both families, for <see cref="StartAsync"/>.</summary>
    public const string DualStackRange = "10.96.0.0/16,fd00:96::/112";

    private const string DefaultRange = "10.96.0.0/16";
    private const int PortAttempts = 5;

    // A socket in our folder: nobody else on the machine can reach it, and no other etcd can be taken for ours. etcd insists on the
    // form host:port and takes all of it for a file name in the working directory.
    private const string EtcdSocket = "etcd:0";

    private readonly string _binaries;
    private readonly string _serviceRange;
    private readonly ScratchFolder _folder;
    private readonly LoopbackAuthority _authority;
    private ChildProcess? _etcd;
    private ChildProcess? _server;
    private HttpClient? _http;

    private RealApiServer(string name, string binaries, string serviceRange, ScratchFolder folder)
    {
        Name = name;
        Token = RandomNumberGenerator.GetHexString(32, lowercase: true);
        _binaries = binaries;
        _serviceRange = serviceRange;
        _folder = folder;
        _authority = LoopbackAuthority.Create(TimeProvider.System);
    }

    public string Name { get; }

    public Uri Address { get; private set; } = new("https://127.0.0.1");

    public string CertificateAuthorityPem => _authority.CertificatePem;

    public string Token { get; }

    public string Kubeconfig => KubeconfigText.Write(Name, Address, CertificateAuthorityPem, Token);

    /// <summary>The temporary folder with data, keys and logs.</summary>
    public string Folder => _folder.Path;

    /// <summary>The ids of the processes that run now.</summary>
    public IReadOnlyList<int> ProcessIds => [.. new[] { _etcd, _server }.OfType<ChildProcess>().Select(process => process.Id)];

    /// <summary>Starts both processes and waits until the API, its definitions included, answers.</summary>
    /// <param name="name">The cluster's name, for the kubeconfig.</param>
    /// <param name="binaries">The folder from <see cref="KubernetesBinaries.EnsureAsync"/>.</param>
    /// <param name="cancellationToken">Ends the start and everything that was started.</param>
    /// <param name="serviceRange">Where Services get their addresses; two ranges make a dual-stack cluster.</param>
    public static async Task<RealApiServer> StartAsync(
        string name, string binaries, CancellationToken cancellationToken, string serviceRange = DefaultRange)
    {
        var server = new RealApiServer(name, binaries, serviceRange, ScratchFolder.Create("capi-registry-hook-apiserver-"));
        try
        {
            server.WriteFiles();
            await server.StartEtcdAsync(cancellationToken);
            await server.StartFirstTimeAsync(cancellationToken);
            await CustomResources.InstallAsync(server._http!, cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends the API server as a crash would; etcd and the data stay. Connections are refused until it is started again.</summary>
    public async Task StopApiServerAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();

        _server = null;
    }

    /// <summary>Starts the API server again on the same address with the same data and waits until it is ready.</summary>
    public Task StartApiServerAsync(CancellationToken cancellationToken = default) => StartApiServerAsync(Address.Port, cancellationToken);

    /// <summary>Ends etcd as a crash would; the API server stays. Data is lost to nobody: it lies in the folder.</summary>
    public async Task StopEtcdAsync()
    {
        if (_etcd is not null)
            await _etcd.DisposeAsync();

        _etcd = null;
    }

    /// <summary>Starts etcd again with the same data; the API server finds it by itself.</summary>
    public Task RestartEtcdAsync(CancellationToken cancellationToken)
    {
        // Its socket is a file, and it does not bind over what the killed one left.
        File.Delete(_folder[EtcdSocket]);
        return StartEtcdAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await StopApiServerAsync();
        await StopEtcdAsync();
        _http?.Dispose();
        _authority.Dispose();
        await _folder.DisposeAsync();
    }

    private void WriteFiles()
    {
        var (certificate, key) = _authority.IssueServerPem();
        _folder.Write("server.crt", certificate);
        _folder.Write("server.key", key);
        using var accounts = RSA.Create(2048);
        _folder.Write("accounts.key", accounts.ExportPkcs8PrivateKeyPem());
        _folder.Write("accounts.pub", accounts.ExportSubjectPublicKeyInfoPem());
        _folder.Write("tokens.csv", $"{Token},admin,admin,\"system:masters\"\n");
    }

    private async Task StartEtcdAsync(CancellationToken cancellationToken)
    {
        _etcd = await ChildProcess.StartServerAsync(Path.Combine(_binaries, "etcd"), EtcdArguments(), _folder["etcd.log"]);
        await Readiness.OfEtcdAsync(_etcd, _folder[EtcdSocket], cancellationToken);
    }

    private async Task StartFirstTimeAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await StartApiServerAsync(LoopbackPort.Find(), cancellationToken);
                return;
            }
            catch (PortTakenException) when (attempt < PortAttempts)
            {
                // Somebody was faster; the next port is another one.
            }
        }
    }

    private async Task StartApiServerAsync(int port, CancellationToken cancellationToken)
    {
        if (_server is not null)
            throw new InvalidOperationException($"The API server {Name} is running.");

        Address = new Uri($"https://127.0.0.1:{port}");
        _http?.Dispose();
        _http = AdminHttp.Create(this);
        var program = Path.Combine(_binaries, "kube-apiserver");
        _server = await ChildProcess.StartServerAsync(program, ServerArguments(port), _folder[$"kube-apiserver-{port}.log"]);
        try
        {
            await Readiness.OfApiServerAsync(_server, _http, cancellationToken);
        }
        catch
        {
            await StopApiServerAsync();
            throw;
        }
    }

    private string[] EtcdArguments() =>
    [
        $"--data-dir={_folder["etcd"]}",
        $"--listen-client-urls=unix://{EtcdSocket}",
        $"--advertise-client-urls=unix://{EtcdSocket}",
        // One member: nobody needs to know the peer's port.
        "--listen-peer-urls=http://127.0.0.1:0",
        "--unsafe-no-fsync",
        "--logger=zap",
        "--log-level=warn",
    ];

    private string[] ServerArguments(int port) =>
    [
        $"--etcd-servers=unix://{EtcdSocket}",
        "--bind-address=127.0.0.1",
        $"--secure-port={port}",
        $"--cert-dir={_folder["generated"]}",
        $"--tls-cert-file={_folder["server.crt"]}",
        $"--tls-private-key-file={_folder["server.key"]}",
        $"--token-auth-file={_folder["tokens.csv"]}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        $"--service-account-key-file={_folder["accounts.pub"]}",
        $"--service-account-signing-key-file={_folder["accounts.key"]}",
        $"--service-cluster-ip-range={_serviceRange}",
        // An alpha feature in 1.20; later versions have it on.
        $"--feature-gates=IPv6DualStack={(_serviceRange.Contains(',') ? "true" : "false")}",
        "--allow-privileged=true",
    ];
}
