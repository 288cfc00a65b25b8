using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.Hooks.Contract;

/// <summary>Maps discovery and all handlers; what discovery says and what is routed come from the same registrations.</summary>
internal static class HookRoutes
{
    public static void MapHooks(this IEndpointRouteBuilder routes)
    {
        var endpoint = routes.ServiceProvider.GetRequiredService<HookEndpoint>();
        var handlers = routes.ServiceProvider.GetServices<IHookHandler>().ToList();
        var topology = routes.ServiceProvider.GetServices<ITopologyHandler>().ToList();
        List<HookRegistration> registrations = [.. handlers.Select(handler => handler.Registration),
            .. topology.Select(handler => handler.Registration)];
        var discovery = Describe(registrations);

        var metrics = routes.ServiceProvider.GetRequiredService<HookMetrics>();
        foreach (var hook in registrations.Select(registration => registration.Hook).Append(HookRegistration.Discovery))
            metrics.Of(hook);
        routes.MapPost(HookGroup.DiscoveryPath, http => endpoint.DiscoverAsync(http, discovery));
        foreach (var handler in handlers)
            routes.MapPost(handler.Registration.Path, http => endpoint.HandleAsync(http, handler));
        foreach (var handler in topology)
            routes.MapPost(handler.Registration.Path, http => endpoint.HandleAsync(http, handler));
    }

    /// <summary>Maps the admission webhook.</summary>
    public static void MapAdmission(this IEndpointRouteBuilder routes, AdmissionHandler handler)
    {
        var endpoint = routes.ServiceProvider.GetRequiredService<HookEndpoint>();
        routes.ServiceProvider.GetRequiredService<HookMetrics>().Of(AdmissionReview.Hook);
        routes.MapPost(AdmissionReview.Path, http => endpoint.AdmitAsync(http, handler));
    }

    /// <summary>The discovery of the given registrations.</summary>
    /// <exception cref="InvalidOperationException">Two have the same name: Cluster API would refuse the discovery as a whole.</exception>
    public static DiscoveryResponse Describe(IEnumerable<HookRegistration> registrations)
    {
        var sorted = registrations.OrderBy(registration => registration.Name, StringComparer.Ordinal).ToList();
        if (sorted.DistinctBy(registration => registration.Name).Count() < sorted.Count)
            throw new InvalidOperationException("Two handlers have the same name.");
        return new DiscoveryResponse([.. sorted.Select(registration => new DiscoveredHandler(
            registration.Name,
            new DiscoveredHook(HookGroup.ApiVersion, registration.Hook),
            registration.TimeoutSeconds,
            registration.FailurePolicy.ToString()))]);
    }
}
