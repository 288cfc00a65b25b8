namespace CapiRegistryHook.Kubernetes;

/// <summary>
/// A coordination.k8s.io/v1 Lease that one of several replicas holds, by compare-and-swap on its resourceVersion. A holder is taken for gone
/// when this process has seen no change of the Lease for the Lease's own duration; clocks of machines are never compared. Not thread-safe.
/// </summary>
public sealed class LeaseLock
{
    /// <summary>A lock that is not held yet.</summary>
    /// <param name="client">The client of the cluster with the Lease.</param>
    /// <param name="name">The Lease; made when it is missing.</param>
    /// <param name="identity">Who this is; unique for the process, since a Lease that already carries it is taken for one's own.</param>
    /// <param name="duration">How long others wait for a sign of life, 1 s to 1 h in whole seconds; renew at a third of it.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="ArgumentException">The identity is empty, or the duration out of range.</exception>
    public LeaseLock(KubernetesClient client, NamespacedName name, string identity, TimeSpan duration, TimeProvider time)
    {
    }

    /// <summary>True while nobody else can have taken the Lease: less than its duration has passed since the last successful renewal was sent.</summary>
    public bool IsHeld => throw new NotImplementedException();

    /// <summary>Takes the Lease if it is free, renews it if it is held.</summary>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>True when it is held now; false when somebody else has it.</returns>
    /// <exception cref="KubernetesApiException">The API server did not answer as it should; whether the Lease is still held tells <see cref="IsHeld"/>.</exception>
    public Task<bool> TryAcquireOrRenewAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Gives the Lease back, so that another need not wait; does nothing when it is not held.</summary>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>When it is given back.</returns>
    public Task ReleaseAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
}
