using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Handlers;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Hooks.Reconciling;
using CapiRegistryHook.Hooks.Serving;
using CapiRegistryHook.Registry;

namespace CapiRegistryHook.Hooks.Commands;

/// <summary>Runs the service until it is told to stop.</summary>
internal static class ServeCommand
{
    public static async Task<int> RunAsync(ServiceOptions options, TimeProvider time)
    {
        try
        {
            using var registry = RegistryLifecycle.Connect(options.Management, options.Registry, time);
            using var serving = options.OwnCertificate is { } own ? SelfManagedServing.Connect(options.Management, options.Registry, own, time) : null;
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "capi-registry-hook" });
            builder.AddLog(options.LogLevel);
            builder.Services.AddSingleton(time);
            builder.Services.AddSingleton(registry);
            builder.Services.AddSingleton(options.RegistryValues);
            builder.Services.AddHostedService<RegistryValuesReload>();
            builder.Services.AddSingleton(options.Registry);
            builder.Services.AddHooks();
            builder.Services.AddOperations();
            builder.Services.AddReconciler(options.Reconciler);
            builder.Services.AddCertificate(serving);
            builder.AddHttps(options.Listen);

            await using var app = builder.Build();
            await app.Services.GetRequiredService<ServingCertificate>().LoadAsync(CancellationToken.None);
            app.Services.GetRequiredService<ClientAuthority>().Load();
            Drain.UseDrain(app);
            app.UseFixedErrors();
            app.UseOperations();
            ClientGate.Use(app);
            app.MapHooks();
            app.MapChart();
            app.Services.GetRequiredService<Readiness>().Map(app);
            await app.RunAsync();
            return 0;
        }
        catch (Exception exception) when (exception is ManagementConnectionException or ServingCertificateException or ClientAuthorityException or ListenException)
        {
            return CommandLine.Refuse([exception.Message]);
        }
    }

    private static void AddHooks(this IServiceCollection services)
    {
        services.AddSingleton<HookEndpoint>();
        services.AddSingleton<IHookHandler, BeforeClusterCreateHandler>();
        services.AddSingleton<IHookHandler, AfterControlPlaneInitializedHandler>();
        services.AddSingleton<IHookHandler, BeforeClusterUpgradeHandler>();
        services.AddSingleton<ITopologyHandler, DiscoverVariablesHandler>();
        services.AddSingleton<ITopologyHandler, GeneratePatchesHandler>();
        services.AddSingleton<ITopologyHandler, ValidateTopologyHandler>();
    }
}
