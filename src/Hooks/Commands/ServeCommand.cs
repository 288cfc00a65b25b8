using System.Net.Sockets;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Handlers;
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
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "capi-registry-hook" });
            builder.AddLog(options.LogLevel);
            builder.Services.AddSingleton(time);
            builder.Services.AddSingleton(registry);
            builder.Services.AddHooks();
            builder.AddHttps(options.Listen);

            await using var app = builder.Build();
            app.Services.GetRequiredService<ServingCertificate>().Load();
            app.UseFixedErrors();
            app.MapHooks();
            app.Services.GetRequiredService<Readiness>().Map(app);
            await app.RunAsync();
            return 0;
        }
        catch (Exception exception) when (exception is ManagementConnectionException or ServingCertificateException)
        {
            return CommandLine.Refuse([exception.Message]);
        }
        catch (IOException exception) when (exception.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            return CommandLine.Refuse([$"--listen has the value {options.Listen.Endpoint}, which is in use."]);
        }
        catch (SocketException exception)
        {
            return CommandLine.Refuse([$"--listen has the value {options.Listen.Endpoint}, which can't be listened on: {exception.SocketErrorCode}."]);
        }
    }

    private static void AddHooks(this IServiceCollection services)
    {
        services.AddSingleton<HookEndpoint>();
        services.AddSingleton<IHookHandler, BeforeClusterCreateHandler>();
        services.AddSingleton<IHookHandler, AfterControlPlaneInitializedHandler>();
        services.AddSingleton<IHookHandler, BeforeClusterUpgradeHandler>();
    }
}
