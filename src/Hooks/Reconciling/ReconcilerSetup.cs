using CapiRegistryHook.Registry;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>The parts of the reconciler, and its place in the life of the service.</summary>
internal static class ReconcilerSetup
{
    public static void AddReconciler(this IServiceCollection services, ReconcilerOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton(provider => provider.GetRequiredService<RegistryLifecycle>().Fleet);
        services.AddSingleton<ClusterInformer>();
        services.AddSingleton<ReconcileWorkers>();
        services.AddSingleton<RootRotationController>();
        services.AddSingleton<RolloutController>();
        services.AddSingleton<ReconcilerParts>();
        if (options.Mode == ReconcilerMode.On)
            services.AddHostedService<Reconciler>();
    }
}

/// <summary>
/// What runs while this replica leads: watches fill the queue, workers empty it, the root is rotated and the admin's changes are rolled
/// out.
/// </summary>
internal sealed record ReconcilerParts(
    ClusterInformer Informer, ReconcileWorkers Workers, RootRotationController Root, RolloutController Rollout);
