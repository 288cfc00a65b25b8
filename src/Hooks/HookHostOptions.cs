using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Hooks.Reconciling;
using CapiRegistryHook.Hooks.Serving;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Serving;

namespace CapiRegistryHook.Hooks;

/// <summary>The options of the service, validated.</summary>
/// <param name="Registry">What an admin decides for all registries.</param>
/// <param name="RegistryValues">The file with the admin's values for the registry chart.</param>
/// <param name="Listen">How the service listens.</param>
/// <param name="SelfManaged">How the service makes its serving certificate; null when it comes from files.</param>
/// <param name="Webhook">The admission webhook whose <c>caBundle</c> the service keeps; null when somebody else does.</param>
/// <param name="Reconciler">How the reconciler works.</param>
/// <param name="Management">Where the management cluster is.</param>
/// <param name="Log">What is logged, and how.</param>
public sealed record HookHostOptions(
    RegistryOptions Registry, RegistryValuesFile RegistryValues, ListenOptions Listen, ServingOptions? SelfManaged, WebhookOptions? Webhook,
    ReconcilerOptions Reconciler,
    ManagementConnection Management, LogOptions Log);
