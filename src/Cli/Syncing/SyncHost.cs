using System.Net;
using System.Text;
using CapiRegistryHook.Delivery.Syncing;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Hooks.Serving;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Plan;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace CapiRegistryHook.Cli.Syncing;

/// <summary>The syncer as a process: it works while it leads, and shows metrics and health, until it is told to stop.</summary>
internal static class SyncHost
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(15);

    /// <summary>Runs it until SIGTERM or SIGINT.</summary>
    /// <param name="options">The options, validated.</param>
    /// <param name="time">The clock of the whole process.</param>
    /// <exception cref="ManagementConnectionException">The management cluster can't be connected to.</exception>
    /// <exception cref="IOException">The address can't be listened on.</exception>
    public static async Task RunAsync(SyncHostOptions options, TimeProvider time)
    {
        using var fleet = ContentFleet.Connect(options.Management, options.Registry, time);
        // A cluster is asked again minutes later at best, so a client that is kept is memory that waits.
        using var directory = ClusterRegistryDirectory.Connect(
            options.Management, options.Registry, time, mostClients: options.Sync.Workers * 2);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "capi-registry-hook" });
        builder.AddLog(options.Log, time);
        builder.Services.AddSingleton(time);
        builder.Services.AddSingleton(fleet);
        builder.Services.AddSingleton(directory);
        builder.Services.AddSingleton(options.Sync);
        builder.Services.AddSingleton<SyncService>();
        builder.Services.AddHostedService(services => services.GetRequiredService<SyncService>());
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopLimit);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.MaxConcurrentConnections = 100;
            kestrel.Listen(options.Listen, listen => listen.Protocols = HttpProtocols.Http1);
        });

        await using var app = builder.Build();
        var service = app.Services.GetRequiredService<SyncService>();
        app.Run(http => AnswerAsync(http, service, fleet));
        await app.RunAsync();
    }

    private static Task AnswerAsync(HttpContext http, SyncService service, ContentFleet fleet)
    {
        var page = http.Request.Path.Value switch
        {
            "/metrics" => SyncMetrics.Write(service.Statistics, fleet.ApiCalls),
            "/healthz" or "/readyz" => "ok\n",
            _ => null,
        };
        if (page is null || !HttpMethods.IsGet(http.Request.Method))
        {
            http.Response.StatusCode = page is null ? StatusCodes.Status404NotFound : StatusCodes.Status405MethodNotAllowed;
            return Task.CompletedTask;
        }

        http.Response.ContentType = http.Request.Path == "/metrics" ? MetricsText.ContentType : "text/plain";
        return http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(page), http.RequestAborted).AsTask();
    }
}

/// <summary>What <c>sync</c> runs with.</summary>
/// <param name="Sync">How registries are kept in sync.</param>
/// <param name="Registry">How Clusters are read.</param>
/// <param name="Management">Where the management cluster is.</param>
/// <param name="Listen">Where metrics and health are served.</param>
/// <param name="Log">What is logged, and how.</param>
internal sealed record SyncHostOptions(
    SyncOptions Sync, RegistryOptions Registry, ManagementConnection Management, IPEndPoint Listen, LogOptions Log);
