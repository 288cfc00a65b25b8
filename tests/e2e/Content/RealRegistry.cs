using System.Net;
using System.Net.Sockets;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Logins;

namespace CapiRegistryHook.EndToEnd.Tests.Content;

/// <summary>Debian's docker-registry on a port of its own, with TLS and a folder that survives its end.</summary>
internal sealed class RealRegistry : IAsyncDisposable
{
    private static readonly RetryPolicy Quick = new(5, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1));

    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-content-");
    private readonly ServerIdentity _identity;
    private readonly string _host;
    private readonly int _port = LoopbackPort.Find();
    private readonly List<NetworkStream> _connections = [];
    private readonly Lock _gate = new();
    private SocketsHttpHandler? _handler;
    private ChildProcess? _process;

    private RealRegistry(ServerIdentity identity, string host) => (_identity, _host) = (identity, host);

    /// <summary>Host and port.</summary>
    public string Name => $"{_host}:{_port}";

    /// <summary>The port of 127.0.0.1 that it listens on.</summary>
    public int Port => _port;

    /// <summary>What verifies it, by the names of a cluster's registry too.</summary>
    public string RootPem => _identity.RootPem;

    /// <summary>A folder for whatever a test writes.</summary>
    public ScratchFolder Folder => _folder;

    public RegistryClient Client { get; private set; } = null!;

    /// <summary>Starts it.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="login">The only login that it takes; null for none.</param>
    /// <param name="deletes">Whether content can be removed.</param>
    /// <param name="identity">Its certificate, for localhost too; null for a new one.</param>
    /// <param name="address">An address of this machine that leads to it too, and is its name; null for this machine alone.</param>
    public static async Task<RealRegistry> StartAsync(
        CancellationToken cancellationToken, RegistryLogin? login = null, bool deletes = true, ServerIdentity? identity = null,
        IPAddress? address = null)
    {
        var registry = new RealRegistry(
            identity ?? ServerIdentity.Create(["localhost", ClusterRegistry.ServerName], [.. Addresses(address)]),
            address?.ToString() ?? "localhost");
        registry._folder.Write("tls.crt", registry._identity.CertificatePem);
        registry._folder.Write("tls.key", registry._identity.KeyPem);
        Directory.CreateDirectory(registry._folder["certs"]);
        registry._folder.Write("certs/ca.crt", registry._identity.RootPem);
        registry._folder.Write("policy.json", """{"default":[{"type":"insecureAcceptAnything"}]}""");
        registry._folder.Write("config.yml", $$"""
            version: 0.1
            log: { level: info, fields: {} }
            storage: { filesystem: { rootdirectory: {{registry._folder["storage"]}} }, delete: { enabled: {{(deletes ? "true" : "false")}} } }
            {{Auth(registry._folder, login)}}
            http: { addr: "{{(address is null ? "127.0.0.1" : "0.0.0.0")}}:{{registry._port}}", secret: fixed, tls: { certificate: {{registry._folder["tls.crt"]}}, key: {{registry._folder["tls.key"]}} } }
            """);
        registry._handler = RegistryTransport.Create(registry._identity.RootPem, registry.ConnectAsync);
        registry.Client = new RegistryClient(registry._handler, new Uri($"https://{registry.Name}"),
            new RegistryOptions { Retry = Quick, ChunkSize = 1 << 20, Logins = Logins(login) });
        await registry.RestartAsync(cancellationToken);
        return registry;
    }

    /// <summary>Ends the process at once and starts it again on the same folder and port.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _process = await ChildProcess.StartServerAsync(await TestTools.PathOfAsync("docker-registry"), ["serve", _folder["config.yml"]],
            _folder["registry.log"]);
        await Polling.UntilAsync("docker-registry", IsUpAsync, _process.LogTail, cancellationToken);
    }

    /// <summary>Ends the process; <see cref="RestartAsync"/> starts it again.</summary>
    public async Task StopAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _process = null;
    }

    /// <summary>Starts it again with an empty folder, as on a volume that was lost.</summary>
    public async Task WipeAsync(CancellationToken cancellationToken)
    {
        await StopAsync();
        Directory.Delete(_folder["storage"], recursive: true);
        await RestartAsync(cancellationToken);
    }

    /// <summary>Requests in its access log so far, those that check whether it is up left out.</summary>
    public int Requests => File.ReadLines(_folder["registry.log"]).Count(line => line.Contains("\" \"", StringComparison.Ordinal)
        && line.Contains(" HTTP/", StringComparison.Ordinal) && !line.Contains("\"GET /v2/ ", StringComparison.Ordinal));

    /// <summary>Resets every connection.</summary>
    public void Cut()
    {
        lock (_gate)
        {
            foreach (var connection in _connections)
                connection.Socket.Close(0);
            _connections.Clear();
        }
    }

    /// <summary>Runs skopeo with trust in this registry.</summary>
    public async Task<string> SkopeoAsync(string[] arguments, CancellationToken cancellationToken)
    {
        var result = await OutsideCommand.RunAsync(await TestTools.PathOfAsync("skopeo"),
            ["--policy", _folder["policy.json"], .. arguments], cancellationToken);
        Assert.True(result.ExitCode == 0, $"{result.Command}\n{result.Output}{result.Errors}");
        return result.Output;
    }

    /// <summary>The option that makes skopeo trust this registry.</summary>
    public string[] Trust(string option) => [option, _folder["certs"]];

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        _handler?.Dispose();
        if (_process is not null)
            await _process.DisposeAsync();
        await _folder.DisposeAsync();
    }

    private static IEnumerable<string> Addresses(IPAddress? address) => address is null ? ["127.0.0.1"] : ["127.0.0.1", $"{address}"];

    private static string Auth(ScratchFolder folder, RegistryLogin? login) => login is null ? ""
        : $"auth: {{ htpasswd: {{ realm: registry, path: {folder.Write("htpasswd", login.Htpasswd)} }} }}";

    private static TargetLogins? Logins(RegistryLogin? login) => login is null ? null
        : new TargetLogins(new Login(login.UserName, login.Password), DockerConfig.Read("/dev/null/none", TimeProvider.System));

    private async Task<bool> IsUpAsync()
    {
        try
        {
            await Client.PingAsync(CancellationToken.None);
            return true;
        }
        catch (RegistryException)
        {
            return false;
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, _port, cancellationToken);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        var stream = new NetworkStream(socket, ownsSocket: true);
        lock (_gate)
            _connections.Add(stream);
        return stream;
    }
}
