using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Hooks.Reconciling;
using CapiRegistryHook.Registry;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// What is answered on the port without TLS: metrics and health, and nothing else. The wall is the connection itself: a
/// request that did not come over TLS never gets to a hook, whatever it says about itself.
/// </summary>
internal static class OperationsPort
{
    public static void AddOperations(this IServiceCollection services)
    {
        services.AddSingleton<HookMetrics>();
        services.AddSingleton<RefusedCallers>();
        services.AddSingleton<ReconcilerMetrics>();
        services.AddSingleton<IMetricsSource>(provider => provider.GetRequiredService<HookMetrics>());
        services.AddSingleton<IMetricsSource>(provider => provider.GetRequiredService<RefusedCallers>());
        services.AddSingleton<IMetricsSource>(provider => provider.GetRequiredService<ReconcilerMetrics>());
        services.AddSingleton<IMetricsSource>(provider => new ApiCallMetrics(provider.GetRequiredService<RegistryLifecycle>().ApiCalls));
        services.AddSingleton<MetricsPage>();
    }

    public static void UseOperations(this WebApplication app)
    {
        var metrics = app.Services.GetRequiredService<MetricsPage>();
        var readiness = app.Services.GetRequiredService<Readiness>();
        app.MapWhen(http => !http.Request.IsHttps, plain => plain.Run(http => AnswerAsync(http, metrics, readiness)));
    }

    private static Task AnswerAsync(HttpContext http, MetricsPage metrics, Readiness readiness)
    {
        Func<HttpContext, Task>? page = http.Request.Path.Value switch
        {
            "/metrics" => metrics.AnswerAsync,
            "/healthz" => Readiness.AnswerLiveAsync,
            "/readyz" => readiness.AnswerReadyAsync,
            _ => null,
        };
        if (page is not null && HttpMethods.IsGet(http.Request.Method))
            return page(http);
        http.Response.StatusCode = page is null ? StatusCodes.Status404NotFound : StatusCodes.Status405MethodNotAllowed;
        return Task.CompletedTask;
    }
}
