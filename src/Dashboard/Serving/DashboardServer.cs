using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CapiRegistryHook.Dashboard.Catalogue;
using CapiRegistryHook.Dashboard.Model;
using CapiRegistryHook.Dashboard.Page;
using CapiRegistryHook.Dashboard.Reading;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace CapiRegistryHook.Dashboard.Serving;

/// <summary>The page on 127.0.0.1. It answers GET alone, and only below the token.</summary>
internal sealed class DashboardServer(FleetFeed feed, RegistryReader registries, CatalogueReader catalogue) : IAsyncDisposable
{
    private const string Text = "text/plain; charset=utf-8";
    private const int MostTags = 50;

    private readonly AccessGate _gate = new();
    private WebApplication? _application;

    /// <summary>The address with the token, for the person who started it.</summary>
    public Uri? Address { get; private set; }

    /// <summary>Listens.</summary>
    /// <param name="port">The port; 0 for any that is free.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="IOException">The port is taken.</exception>
    public async Task StartAsync(int port, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "capi-registry-hook" });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            Limit(kestrel);
            kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http1);
        });
        // The stream of changes ends with the program; nobody waits for it.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(2));
        _application = builder.Build();
        _application.Run(AnswerAsync);
        await _application.StartAsync(cancellationToken);
        var bound = _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Address = new Uri(new Uri(bound), _gate.Path);
    }

    public async ValueTask DisposeAsync()
    {
        if (_application is not null)
            await _application.DisposeAsync();
    }

    /// <summary>One person looks, with a few tabs.</summary>
    private static void Limit(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = 100;
        kestrel.Limits.MaxRequestBodySize = 0;
        kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
    }

    private async Task AnswerAsync(HttpContext http)
    {
        if (_gate.Admit(http) is not { } path)
            return;
        try
        {
            await AnswerAsync(http, path, http.RequestAborted);
        }
        catch (Exception exception) when (Fault.Is(exception) || exception is FleetStatusException)
        {
            var sentence = exception is FleetStatusException ? exception.Message : Fault.Describe(exception);
            await WriteAsync(http, StatusCodes.Status502BadGateway, Text, Encoding.UTF8.GetBytes(sentence));
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody reads the answer.
        }
    }

    private Task AnswerAsync(HttpContext http, string path, CancellationToken cancellationToken) => path switch
    {
        "" => WriteAsync(http, StatusCodes.Status200OK, "text/html; charset=utf-8", Encoding.UTF8.GetBytes(PageBundle.Live)),
        "page.css" => WriteAsync(http, StatusCodes.Status200OK, "text/css; charset=utf-8", Encoding.UTF8.GetBytes(PageBundle.Style)),
        "page.js" => WriteAsync(http, StatusCodes.Status200OK, "text/javascript; charset=utf-8", Encoding.UTF8.GetBytes(PageBundle.Script)),
        "live" => LiveStream.WriteAsync(http, feed, cancellationToken),
        "data/fleet" => AnswerFleetAsync(http, cancellationToken),
        "data/registry" => AnswerAsync(http, DashboardJson.Default.RegistryDetail,
            cluster => registries.ReadAsync(cluster, cancellationToken)),
        "data/repositories" => AnswerAsync(http, DashboardJson.Default.RepositoryList,
            cluster => catalogue.RepositoriesAsync(cluster, cancellationToken)),
        "data/tags" => AnswerAsync(http, DashboardJson.Default.TagList,
            cluster => catalogue.TagsAsync(cluster, http.Request.Query["repository"].ToString(), cancellationToken)),
        "data/content" => AnswerAsync(http, DashboardJson.Default.ContentList,
            cluster => catalogue.ContentAsync(cluster, http.Request.Query["repository"].ToString(),
                [.. http.Request.Query["tag"].OfType<string>().Take(MostTags)], cancellationToken)),
        _ => WriteAsync(http, StatusCodes.Status404NotFound, Text, "There is nothing at this address."u8.ToArray()),
    };

    private async Task AnswerFleetAsync(HttpContext http, CancellationToken cancellationToken) => await WriteAsync(
        http, StatusCodes.Status200OK, "application/json", await feed.ReadAsync(cancellationToken));

    private static async Task AnswerAsync<T>(HttpContext http, JsonTypeInfo<T> type, Func<ClusterKey, Task<T>> read)
    {
        if (!ClusterKey.TryParse(http.Request.Query["cluster"].ToString(), out var cluster))
        {
            await WriteAsync(http, StatusCodes.Status400BadRequest, Text, "Name the cluster as namespace/name."u8.ToArray());
            return;
        }

        await WriteAsync(
            http, StatusCodes.Status200OK, "application/json", JsonSerializer.SerializeToUtf8Bytes(await read(cluster), type));
    }

    private static async Task WriteAsync(HttpContext http, int status, string type, ReadOnlyMemory<byte> body)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = type;
        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }
}
