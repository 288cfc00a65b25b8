using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>
/// A Kubernetes API server in this process: real HTTPS on 127.0.0.1, objects in memory, the behaviour of kube-apiserver 1.20 for the
/// resources in
/// <see cref="ResourceTable"/>. It starts in milliseconds, can be told to fail, and tells which calls it got.
/// </summary>
public sealed class EmbeddedApiServer : IApiServer
{
    // Enough for any test's watch to resume, small enough to bound memory.
    private const int HistoryLimit = 10_000;

    private readonly ObjectStore _store;
    private readonly CallLog _calls = new();
    private readonly FaultRules _faults = new();
    private readonly PodForwarding _forwarding = new();
    private readonly X509Certificate2 _certificate;
    private readonly ApiEndpoint _endpoint;
    private readonly TimeProvider _time;
    private CancellationTokenSource _watches = new();
    private WebApplication? _application;

    private EmbeddedApiServer(string name, ObjectStore store, TimeProvider time)
    {
        _store = store;
        // The clients' handshakes happen now, whatever time the objects live in.
        using var authority = LoopbackAuthority.Create(TimeProvider.System);
        Name = name;
        CertificateAuthorityPem = authority.CertificatePem;
        Token = RandomNumberGenerator.GetHexString(32, lowercase: true);
        _certificate = authority.IssueServer();
        _time = time;
        _endpoint = new ApiEndpoint(Token, _store, time, _calls, _faults, _forwarding);
    }

    public string Name { get; }

    public Uri Address { get; private set; } = new("https://127.0.0.1");

    public string CertificateAuthorityPem { get; }

    public string Token { get; }

    public string Kubeconfig => KubeconfigText.Write(Name, Address, CertificateAuthorityPem, Token);

    /// <summary>The calls for resources answered so far, in order; a watch counts when it starts.</summary>
    public IReadOnlyList<RecordedCall> Calls => _calls.Snapshot();

    public static Task<EmbeddedApiServer> StartAsync(string name, CancellationToken cancellationToken) =>
        StartAsync(name, TimeProvider.System, cancellationToken);

    /// <param name="time">Where timestamps, watch timeouts and bookmarks come from.</param>
    public static async Task<EmbeddedApiServer> StartAsync(string name, TimeProvider time, CancellationToken cancellationToken)
    {
        var server = new EmbeddedApiServer(name, new ObjectStore(HistoryLimit), time);
        FirstNamespaces.Create(server._store, time, "default", "kube-system", "kube-public", "kube-node-lease");
        await server.ListenAsync(0, cancellationToken);
        return server;
    }

    /// <summary>The objects of a server without a network, over a network; both may be used at once.</summary>
    public static async Task<EmbeddedApiServer> StartAsync(InProcessApi api, CancellationToken cancellationToken)
    {
        var server = new EmbeddedApiServer(api.Address.Host, api.Store, api.Time);
        await server.ListenAsync(0, cancellationToken);
        return server;
    }

    public void ClearCalls() => _calls.Clear();

    /// <summary>Asks <paramref name="rule"/> about every call from now on; null lets the call pass.</summary>
    public void InjectFault(Func<RecordedRequest, Fault?> rule) => _faults.Add(rule);

    public void ClearFaults() => _faults.Clear();

    /// <summary>Leads port-forwards to a pod to a port of 127.0.0.1, whichever port of the pod they name.</summary>
    public void LeadPod(string @namespace, string pod, int localPort) => _forwarding.Lead(@namespace, pod, localPort);

    /// <summary>Breaks every port-forward that is open.</summary>
    public void CutForwards() => _forwarding.Cut();

    /// <summary>Port-forwards so far.</summary>
    public int Forwards => _forwarding.Opened;

    /// <summary>Forgets all history: watches from an older revision and started lists get a 410.</summary>
    public void CompactHistory() => _store.Compact();

    /// <summary>Breaks every running watch, as a restarting server or a dropped connection does.</summary>
    public void DropWatches()
    {
        using var former = Interlocked.Exchange(ref _watches, new CancellationTokenSource());
        former.Cancel();
    }

    /// <summary>Refuses connections from now on and breaks those that are open. Objects stay.</summary>
    public async Task PauseAsync()
    {
        if (Interlocked.Exchange(ref _application, null) is not { } application) return;
        DropWatches();
        // A token that is already cancelled: an outage does not wait for requests to end.
        await application.StopAsync(new CancellationToken(canceled: true));
        await application.DisposeAsync();
    }

    /// <summary>Listens again, on the same port.</summary>
    public Task ResumeAsync() => _application is null ? ListenAsync(Address.Port, CancellationToken.None) : Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await PauseAsync();
        _certificate.Dispose();
        _watches.Dispose();
    }

    private async Task ListenAsync(int port, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, port, listener => listener.UseHttps(_certificate));
        });
        var application = builder.Build();
        application.UseWebSockets();
        application.Run(context => _endpoint.HandleAsync(context, _watches.Token));
        await application.StartAsync(cancellationToken);
        var addresses = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        Address = new Uri(addresses.Addresses.Single());
        _application = application;
    }
}
