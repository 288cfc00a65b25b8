using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Handlers;
using CapiRegistryHook.Hooks.Reconciling;
using CapiRegistryHook.Hooks.Serving;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Enabling;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Serving;

namespace CapiRegistryHook.Hooks;

/// <summary>The Runtime Extension as a process: it answers hooks, serves the chart and reconciles until it is told to stop.</summary>
public static class HookHost
{
    /// <summary>Runs the service until SIGTERM or SIGINT, and drains before it returns.</summary>
    /// <param name="options">The options, validated.</param>
    /// <param name="time">The clock of the whole process.</param>
    /// <exception cref="HookHostException">The service can't start; the message says why and what to change.</exception>
    public static async Task RunAsync(HookHostOptions options, TimeProvider time)
    {
        try
        {
            await ServeAsync(options, time);
        }
        catch (Exception exception)
            when (exception is ManagementConnectionException or ServingCertificateException or ClientAuthorityException or ListenException)
        {
            throw new HookHostException(exception.Message, exception);
        }
    }

    private static async Task ServeAsync(HookHostOptions options, TimeProvider time)
    {
        using var registry = RegistryLifecycle.Connect(options.Management, options.Registry, time);
        using var serving = options.SelfManaged is { } own
            ? SelfManagedServing.Connect(options.Management, options.Registry, own, time) : null;
        using var enabling = options.Registry.AutoEnable == AutoEnableMode.On
            ? AutoEnabling.Connect(options.Management, options.Registry, time) : null;
        using var webhook = options.Webhook is { } registered ? WebhookTrust.Connect(options.Management, registered, time) : null;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "capi-registry-hook" });
        builder.AddLog(options.Log, time);
        builder.Services.AddSingleton(time);
        builder.Services.AddSingleton(registry);
        builder.Services.AddSingleton<IReloadable>(options.RegistryValues);
        builder.Services.AddSingleton(options.Registry);
        builder.Services.AddHooks();
        builder.Services.AddOperations();
        builder.Services.AddReconciler(options.Reconciler);
        builder.Services.AddCertificate(serving);
        builder.Services.AddAutoEnable(enabling, webhook);
        builder.AddHttps(options.Listen);

        await using var app = builder.Build();
        await app.Services.GetRequiredService<ListenerCertificate>().LoadAsync(CancellationToken.None);
        app.Services.GetRequiredService<ClientAuthority>().Load();
        Drain.UseDrain(app);
        app.UseFixedErrors();
        app.UseOperations();
        ClientGate.Use(app);
        app.MapHooks();
        app.MapChart();
        app.MapAutoEnable();
        app.Services.GetRequiredService<Readiness>().Map(app);
        await app.RunAsync();
    }

    private static void AddAutoEnable(this IServiceCollection services, AutoEnabling? enabling, WebhookTrust? webhook)
    {
        if (enabling is not null)
            services.AddSingleton(new AutoEnableHandler(enabling));
        if (webhook is not null)
            services.AddSingleton<IReloadable>(new WebhookTrustReload(webhook));
    }

    private static void MapAutoEnable(this WebApplication app)
    {
        if (app.Services.GetService<AutoEnableHandler>() is { } handler)
            app.MapAdmission(handler.HandleAsync);
    }

    private static void AddHooks(this IServiceCollection services)
    {
        services.AddSingleton<HookEndpoint>();
        services.AddSingleton<IHookHandler, BeforeClusterCreateHandler>();
        services.AddSingleton<IHookHandler, AfterControlPlaneInitializedHandler>();
        services.AddSingleton<IHookHandler, BeforeClusterUpgradeHandler>();
        services.AddSingleton<ITopologyHandler, DiscoverVariablesHandler>();
        foreach (var format in Enum.GetValues<NodeFormat>())
        {
            services.AddSingleton<ITopologyHandler>(
                provider => new GeneratePatchesHandler(provider.GetRequiredService<RegistryOptions>(), format));
        }

        services.AddSingleton<ITopologyHandler, ValidateTopologyHandler>();
    }
}

/// <summary>The service can't start.</summary>
/// <param name="message">Why, and what to change.</param>
/// <param name="cause">What was thrown.</param>
public sealed class HookHostException(string message, Exception cause) : Exception(message, cause);
