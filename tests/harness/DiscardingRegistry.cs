using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CapiRegistryHook.Harness;

/// <summary>A registry over TLS on 127.0.0.1 that has nothing, takes every push, counts its bytes and forgets them.</summary>
internal sealed class DiscardingRegistry : IAsyncDisposable
{
    private const int BufferSize = 1 << 16;

    private readonly WebApplication _application;
    private long _received;
    private int _manifests;

    private DiscardingRegistry(X509Certificate2 certificate)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(options =>
        {
            options.Limits.MaxRequestBodySize = null;
            options.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.UseHttps(certificate));
        });
        _application = builder.Build();
        _application.Run(AnswerAsync);
    }

    /// <summary>Bytes of blobs so far.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Manifests and tags so far.</summary>
    public int Manifests => Volatile.Read(ref _manifests);

    /// <summary>The status with which every upload ends, as on a full disk; null takes them.</summary>
    public int? RefusesBlobs { get; set; }

    public Uri Address =>
        new(_application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public static async Task<DiscardingRegistry> StartAsync(X509Certificate2 certificate, CancellationToken cancellationToken)
    {
        var registry = new DiscardingRegistry(certificate);
        await registry._application.StartAsync(cancellationToken);
        return registry;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private Task AnswerAsync(HttpContext context) => context.Request.Method switch
    {
        "GET" or "HEAD" => TellAsync(context),
        "PUT" when context.Request.Path.Value!.Contains("/manifests/", StringComparison.Ordinal) => TakeManifestAsync(context),
        _ => TakeBlobAsync(context),
    };

    private static Task TellAsync(HttpContext context)
    {
        context.Response.StatusCode = context.Request.Path == "/v2/" ? StatusCodes.Status200OK : StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private async Task TakeManifestAsync(HttpContext context)
    {
        Interlocked.Increment(ref _manifests);
        var digest = await SHA256.HashDataAsync(context.Request.Body, context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status201Created;
        context.Response.Headers["Docker-Content-Digest"] = $"sha256:{Convert.ToHexStringLower(digest)}";
    }

    private async Task TakeBlobAsync(HttpContext context)
    {
        var buffer = new byte[BufferSize];
        for (int read; (read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0;)
            Interlocked.Add(ref _received, read);
        if (RefusesBlobs is { } status && (context.Request.Method is "PUT" or "PATCH"))
        {
            context.Response.StatusCode = status;
            return;
        }

        context.Response.StatusCode = context.Request.Method == "PUT" ? StatusCodes.Status201Created : StatusCodes.Status202Accepted;
        context.Response.Headers.Location = "/v2/a/b/blobs/uploads/1";
    }
}
