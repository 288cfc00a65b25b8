using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Leases;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>The Lease of the replica that leads. Not thread-safe.</summary>
public sealed class LeaderLease
{
    private readonly LeaseLock _lock;

    internal LeaderLease(KubernetesClient management, NamespacedName name, TimeSpan duration, TimeProvider time)
    {
        Duration = duration;
        _lock = new LeaseLock(management.WithOwnQueue(), name, Identity, duration, time);
    }

    /// <summary>Who this process is.</summary>
    public string Identity { get; } = $"{Environment.MachineName}_{Guid.NewGuid():N}";

    /// <summary>How long it is valid without a renewal.</summary>
    public TimeSpan Duration { get; }

    /// <summary>Why the last attempt could not reach the API server; null when it could.</summary>
    public string? Problem { get; private set; }

    /// <summary>Takes the Lease if it is free, renews it if it is held.</summary>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>True when it is held now; false when somebody else has it, or when the API server can't be used.</returns>
    public async Task<bool> TryHoldAsync(CancellationToken cancellationToken)
    {
        try
        {
            var held = await _lock.TryAcquireOrRenewAsync(cancellationToken);
            Problem = null;
            return held;
        }
        catch (KubernetesApiException exception)
        {
            Problem = exception.Message;
            return false;
        }
    }

    /// <summary>Gives the Lease back, so that another replica need not wait; when that fails, it expires.</summary>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>When it is given back.</returns>
    public async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _lock.ReleaseAsync(cancellationToken);
        }
        catch (KubernetesApiException exception)
        {
            Problem = exception.Message;
        }
    }
}
