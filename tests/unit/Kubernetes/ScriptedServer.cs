using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Kubernetes.Connection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace CapiRegistryHook.Unit.Tests.Kubernetes;

internal sealed record SeenRequest(
    string Method, string Url, string? Authorization, string? ContentType, string Body, X509Certificate2? ClientCertificate);

/// <summary>An HTTPS server on loopback that answers as a test tells it to, for what a real API server does not do on demand.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private ScriptedServer(WebApplication application, Uri address)
    {
        this._application = application;
        Address = address;
    }

    public Uri Address { get; }

    public ConcurrentQueue<SeenRequest> Requests { get; } = new();

    public ConcurrentQueue<string> ServerNames { get; } = new();

    public static async Task<ScriptedServer> StartAsync(X509Certificate2 certificate, Func<HttpContext, int, Task> answer)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        ScriptedServer? server = null;
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(https =>
            {
                https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                https.AllowAnyClientCertificate();
                https.ServerCertificateSelector = (_, name) =>
                {
                    server?.ServerNames.Enqueue(name ?? "");
                    return certificate;
                };
            }));
        });
        var application = builder.Build();
        application.UseWebSockets();
        var count = 0;
        application.Run(async context =>
        {
            using StreamReader reader = new(context.Request.Body);
            server!.Requests.Enqueue(new SeenRequest(
                context.Request.Method,
                context.Request.GetEncodedPathAndQuery(),
                context.Request.Headers.Authorization,
                context.Request.ContentType,
                await reader.ReadToEndAsync(),
                context.Connection.ClientCertificate));
            await answer(context, Interlocked.Increment(ref count));
        });
        await application.StartAsync();
        return server = new ScriptedServer(application, new Uri(application.Urls.Single()));
    }

    public ClusterConnection Connection(TestAuthority authority) => new() { Server = Address, CertificateAuthorities = authority.Roots };

    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource now = new();
        await now.CancelAsync();
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
    }
}

/// <summary>Answers.</summary>
internal static class Answers
{
    public const string SecretJson =
        """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"one","namespace":"ns","uid":"u1","resourceVersion":"7"},"data":{"a":"c2VjcmV0LXZhbHVl"}}""";

    public static async Task JsonAsync(this HttpContext context, string json, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(json);
    }

    public static Task StatusAsync(this HttpContext context, int code, string reason, string message = "no", string name = "one") =>
        context.JsonAsync(
        $$$"""{"kind":"Status","apiVersion":"v1","status":"Failure","message":"{{{message}}}","reason":"{{{reason}}}","code":{{{code}}},"details":{"name":"{{{name}}}"}}""",
        code);

    /// <summary>Says nothing (more) until the connection ends.</summary>
    public static async Task SilenceAsync(this HttpContext context)
    {
        TaskCompletionSource ended = new();
        await using (context.RequestAborted.Register(ended.SetResult))
            await ended.Task;
    }

    public static async Task LineAsync(this HttpContext context, string line)
    {
        await context.Response.WriteAsync(line + "\n");
        await context.Response.Body.FlushAsync();
    }
}
