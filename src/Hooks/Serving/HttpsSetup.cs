using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Registry.Serving;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>The listeners, one with TLS and one without, and what belongs to their life.</summary>
internal static class HttpsSetup
{
    /// <summary>Beyond the drain delay, a call in flight may take as long as Cluster API listens.</summary>
    private static readonly TimeSpan LongestCall = TimeSpan.FromSeconds(10);

    public static void AddHttps(this WebApplicationBuilder builder, ListenOptions options)
    {
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton<ClientAuthority>();
        builder.Services.AddSingleton<IReloadable>(services => services.GetRequiredService<ClientAuthority>());
        builder.Services.AddHostedService<Reloader>();
        builder.Services.AddSingleton<ClientGate>();
        builder.Services.AddSingleton<TlsSetup>();
        builder.Services.AddSingleton<Readiness>();
        builder.Services.AddHostedService<Drain>();
        builder.Services.AddListenSockets(options);
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.DrainDelay + LongestCall);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            ListenLimits.Apply(kestrel);
            kestrel.Listen(options.Endpoint, listen => kestrel.ApplicationServices.GetRequiredService<TlsSetup>().Use(listen));
            if (options.Metrics is { } metrics)
                kestrel.Listen(metrics, listen => listen.Protocols = HttpProtocols.Http1);
        });
    }

    /// <param name="services">Takes the serving certificate and its source.</param>
    /// <param name="own">Makes certificates for this process; null when they come from files.</param>
    public static void AddCertificate(this IServiceCollection services, SelfManagedServing? own)
    {
        if (own is null)
            services.AddSingleton<ICertificateSource, CertificateFiles>();
        else
            services.AddSingleton(own).AddSingleton<ICertificateSource, SelfManagedCertificate>();
        services.AddSingleton<ListenerCertificate>();
        services.AddSingleton<IReloadable>(provider => provider.GetRequiredService<ListenerCertificate>());
    }

    /// <summary>Gives the answers that routing makes by itself (404, 405) a body with a fixed sentence.</summary>
    public static void UseFixedErrors(this WebApplication app)
    {
        app.Use(async (http, next) =>
        {
            await next(http);
            if (http.Response.HasStarted || http.Response.ContentLength is not null)
                return;
            if (http.Response.StatusCode == StatusCodes.Status404NotFound)
                await HookEndpoint.RefuseAsync(http, StatusCodes.Status404NotFound, "There is nothing at this path.");
            else if (http.Response.StatusCode == StatusCodes.Status405MethodNotAllowed)
                await HookEndpoint.RefuseAsync(http, StatusCodes.Status405MethodNotAllowed, "This path does not take this method.");
        });
    }
}
