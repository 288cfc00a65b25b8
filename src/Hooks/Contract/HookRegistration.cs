
namespace CapiRegistryHook.Hooks.Contract;

/// <summary>What Cluster API must know of a handler. Both its route and its entry in discovery are made from this.</summary>
internal sealed record HookRegistration
{
    /// <summary>Discovery has no registration of its own, but logs and metrics name it like a hook.</summary>
    public const string Discovery = "Discovery";

    /// <summary>Cluster API refuses a whole discovery for one timeout above this (runtime catalog, 0 to 30 s).</summary>
    private const int LongestTimeout = 30;

    /// <param name="hook">The hook in Cluster API's spelling, for example <c>BeforeClusterCreate</c>.</param>
    /// <param name="timeoutSeconds">How long Cluster API waits for an answer, 1 to 30 s.</param>
    /// <param name="failurePolicy">What Cluster API does when there is no usable answer at all.</param>
    /// <param name="version">
    /// Part of the handler's name where a ClusterClass refers to the handler and its answers must never change; 1 or higher.
    /// </param>
    public HookRegistration(string hook, int timeoutSeconds, FailurePolicy failurePolicy, int? version = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(timeoutSeconds, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(timeoutSeconds, LongestTimeout);
        Hook = hook;
        TimeoutSeconds = timeoutSeconds;
        FailurePolicy = failurePolicy;
        Name = version is null ? HookPath : $"{HookPath}-v{version}";
    }

    public string Hook { get; }

    /// <summary>The handler's name: a DNS-1123 label, unique in this extension.</summary>
    public string Name { get; }

    public int TimeoutSeconds { get; }

    public FailurePolicy FailurePolicy { get; }

    public string Path => $"{HookGroup.PathPrefix}/{HookPath}/{Name}";

    private string HookPath => Hook.ToLowerInvariant();
}

/// <summary>What Cluster API does when a handler can't be reached or its answer can't be read.</summary>
internal enum FailurePolicy
{
    /// <summary>The reconcile fails and is tried again.</summary>
    Fail,

    /// <summary>The hook counts as passed.</summary>
    Ignore,
}

/// <summary>The API group of all hooks.</summary>
internal static class HookGroup
{
    public const string ApiVersion = "hooks.runtime.cluster.x-k8s.io/v1alpha1";

    public const string PathPrefix = "/" + ApiVersion;

    public const string DiscoveryPath = PathPrefix + "/discovery";
}
