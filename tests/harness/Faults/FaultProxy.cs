using System.Net;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Harness.Embedded;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace CapiRegistryHook.Harness.Faults;

/// <summary>
/// Stands between the service and an API server: TLS of its own, every call passed on as it came, and told to fail in all the ways that
/// servers, networks and clocks do.
/// </summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private readonly IApiServer _server;
    private readonly LoopbackAuthority _authority = LoopbackAuthority.Create(TimeProvider.System);
    private readonly X509Certificate2 _certificate;
    private readonly X509Certificate2 _future;
    private readonly HttpMessageInvoker _forward;
    private WebApplication? _application;
    private TcpGate? _gate;
    private volatile Func<HttpRequest, Fault?> _rule = Healthy;
    private int _calls;

    private FaultProxy(IApiServer server)
    {
        _server = server;
        _certificate = _authority.IssueServer();
        _future = _authority.IssueServer(TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(1));
        _forward = new HttpMessageInvoker(AdminHttp.CreateHandler(server));
    }

    /// <summary>Breaks connections below HTTP.</summary>
    public TcpGate Gate => _gate!;

    /// <summary>True makes it show a certificate that begins in an hour, as a server does whose clock is ahead.</summary>
    public bool ShowsFutureCertificate { get; set; }

    /// <summary>How many calls came, answered or not.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>A way through the proxy with the server's own token.</summary>
    public string Kubeconfig => KubeconfigWith(_server.Token);

    public static async Task<FaultProxy> StartAsync(IApiServer server, CancellationToken cancellationToken)
    {
        var proxy = new FaultProxy(server);
        await proxy.ListenAsync(cancellationToken);
        return proxy;
    }

    /// <summary>The same with another token.</summary>
    public string KubeconfigWith(string token) =>
        KubeconfigText.Write(_server.Name, new Uri($"https://127.0.0.1:{Gate.Port}"), _authority.CertificatePem, token);

    /// <summary>Asks about every call from now on; null lets it pass.</summary>
    public void Fail(Func<HttpRequest, Fault?> rule) => _rule = rule;

    /// <summary>Everything works again.</summary>
    public void Mend()
    {
        _rule = Healthy;
        ShowsFutureCertificate = false;
        Gate.Turn(GateState.Open);
    }

    public async ValueTask DisposeAsync()
    {
        if (_gate is not null)
            await _gate.DisposeAsync();
        if (_application is not null)
        {
            await _application.StopAsync(new CancellationToken(canceled: true));
            await _application.DisposeAsync();
        }

        _forward.Dispose();
        _certificate.Dispose();
        _future.Dispose();
        _authority.Dispose();
    }

    private static Fault? Healthy(HttpRequest request) => null;

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore()
            .UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.UseHttps(https => https.ServerCertificateSelector = (_, _) => ShowsFutureCertificate ? _future : _certificate);
        }));
        _application = builder.Build();
        _application.Run(AnswerAsync);
        await _application.StartAsync(cancellationToken);
        var address = _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        _gate = new TcpGate(new IPEndPoint(IPAddress.Loopback, new Uri(address).Port));
    }

    private async Task AnswerAsync(HttpContext http)
    {
        Interlocked.Increment(ref _calls);
        try
        {
            await AnswerAsync(http, _rule(http.Request));
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or IOException)
        {
            http.Abort();
        }
    }

    private async Task AnswerAsync(HttpContext http, Fault? fault)
    {
        switch (fault)
        {
            case Fault.Answer answer:
                await WriteStatusAsync(http, answer);
                return;
            case Fault.Drop { AfterWork: false }:
                http.Abort();
                return;
            case Fault.Hold hold:
                await hold.Until.WaitAsync(http.RequestAborted);
                break;
        }

        using var answered = await ForwardAsync(http);
        if (fault is Fault.Drop)
            http.Abort();
        else
            await CopyAsync(answered, http);
    }

    private async Task<HttpResponseMessage> ForwardAsync(HttpContext http)
    {
        var target = new Uri(_server.Address, $"{http.Request.Path.ToUriComponent()}{http.Request.QueryString}");
        using var request = new HttpRequestMessage(new HttpMethod(http.Request.Method), target);
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        request.Content = body.Length > 0 ? new ByteArrayContent(body.ToArray()) : null;
        foreach (var (name, values) in http.Request.Headers)
        {
            if (name is "Host" or "Content-Length" or "Transfer-Encoding"
                || request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                continue;
            request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }

        return await _forward.SendAsync(request, http.RequestAborted);
    }

    private static async Task CopyAsync(HttpResponseMessage answered, HttpContext http)
    {
        http.Response.StatusCode = (int)answered.StatusCode;
        http.Response.ContentType = answered.Content.Headers.ContentType?.ToString();
        await answered.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
    }

    private static Task WriteStatusAsync(HttpContext http, Fault.Answer answer)
    {
        http.Response.StatusCode = answer.Code;
        http.Response.ContentType = "application/json";
        if (answer.RetryAfter is { } pause)
            http.Response.Headers.RetryAfter = $"{pause.TotalSeconds:F0}";
        return http.Response.WriteAsync(
            $$"""{"kind":"Status","apiVersion":"v1","status":"Failure","message":"{{answer.Message}}","reason":"{{answer.Reason}}","code":{{answer.Code}}}""", http.RequestAborted);
    }
}
