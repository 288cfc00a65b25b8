using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Kubernetes.Leases;

/// <summary>
/// A coordination.k8s.io/v1 Lease that one of several replicas holds, by compare-and-swap on its resourceVersion. A holder counts as gone
/// when this process has seen no change of the Lease for the Lease's own duration; clocks of machines are never compared. Not
/// thread-safe.
/// </summary>
public sealed class LeaseLock
{
    private const string FieldManager = "capi-registry-hook-lease";

    private readonly KubernetesClient _client;
    private readonly NamespacedName _name;
    private readonly string _identity;
    private readonly TimeSpan _duration;
    private readonly TimeProvider _time;

    /// <summary>The Lease as it was seen last, and when that version was seen first.</summary>
    private Lease? _observed;
    private long _observedAt;
    private long? _renewedAt;

    /// <summary>A lock that is not held yet.</summary>
    /// <param name="client">The client of the cluster with the Lease.</param>
    /// <param name="name">The Lease; made when it is missing.</param>
    /// <param name="identity">Who this is; unique for the process, since a Lease that already carries it is taken for one's own.</param>
    /// <param name="duration">How long others wait for a renewal, 1 s to 1 h in whole seconds; renew at a third of it.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="ArgumentException">The identity is empty, or the duration out of range.</exception>
    public LeaseLock(KubernetesClient client, NamespacedName name, string identity, TimeSpan duration, TimeProvider time)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(identity);
        if (duration < TimeSpan.FromSeconds(1) || duration > TimeSpan.FromHours(1) || duration.Ticks % TimeSpan.TicksPerSecond != 0)
            throw new ArgumentException("The duration of a Lease is 1 s to 1 h in whole seconds.", nameof(duration));
        _client = client;
        _name = name;
        _identity = identity;
        _duration = duration;
        _time = time;
    }

    /// <summary>True while nobody else can have taken the Lease: less than its duration has passed since the last successful renewal was
    /// sent.</summary>
    public bool IsHeld => _renewedAt is { } at && _time.GetElapsedTime(at) < _duration;

    /// <summary>Takes the Lease if it is free, renews it if it is held.</summary>
    /// <returns>True when it is held now; false when somebody else has it.</returns>
    /// <exception cref="KubernetesApiException">The API server did not answer as it should; whether the Lease is still held tells <see
    /// cref="IsHeld"/>.</exception>
    public async Task<bool> TryAcquireOrRenewAsync(CancellationToken cancellationToken)
    {
        // The holder knows the version it wrote, so that renewing costs one call.
        if (IsHeld && _observed is { } own && await TryWriteAsync(own, cancellationToken))
            return true;
        var found = await _client.FindAsync(CoreResources.Leases, _name, cancellationToken);
        if (found is null)
            return await TryCreateAsync(cancellationToken);
        Observe(found);
        if (IsFree(found))
            return await TryWriteAsync(found, cancellationToken);
        _renewedAt = null;
        return false;
    }

    /// <summary>Gives the Lease back, so that another need not wait; does nothing when it is not held.</summary>
    /// <returns>When it is given back.</returns>
    /// <exception cref="KubernetesApiException">The API server did not answer as it should; the Lease runs out by itself.</exception>
    public async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        if (!IsHeld || _observed is not { } own)
            return;
        // First, so that nobody goes on working on the strength of a Lease that may be gone.
        _renewedAt = null;
        JsonObject spec = new() { ["holderIdentity"] = null, ["leaseDurationSeconds"] = 1, ["renewTime"] = Now() };
        try
        {
            await _client.MergePatchAsync(CoreResources.Leases, own, new JsonObject { ["spec"] = spec }, FieldManager, cancellationToken);
        }
        catch (KubernetesApiException failure) when (failure.Fault is KubernetesFault.Conflict or KubernetesFault.NotFound)
        {
            // Somebody else has it already, or nobody needs it any more.
        }
    }

    private bool IsFree(Lease lease)
    {
        var holder = lease.Spec?.HolderIdentity;
        var patience = lease.Spec?.LeaseDurationSeconds is > 0 and var seconds ? TimeSpan.FromSeconds(seconds) : _duration;
        return string.IsNullOrEmpty(holder) || holder == _identity || _time.GetElapsedTime(_observedAt) >= patience;
    }

    private void Observe(Lease lease)
    {
        if (_observed?.Metadata.ResourceVersion != lease.Metadata.ResourceVersion || _observed?.Metadata.Uid != lease.Metadata.Uid)
            _observedAt = _time.GetTimestamp();
        _observed = lease;
    }

    private async Task<bool> TryCreateAsync(CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        LeaseSpec spec = new()
        {
            HolderIdentity = _identity,
            LeaseDurationSeconds = (int)_duration.TotalSeconds,
            AcquireTime = now,
            RenewTime = now,
            LeaseTransitions = 0,
        };
        Lease lease = new() { Metadata = new ObjectMeta { Name = _name.Name, Namespace = _name.Namespace }, Spec = spec };
        return await TrySwapAsync(() => _client.CreateAsync(CoreResources.Leases, lease, FieldManager, cancellationToken));
    }

    private Task<bool> TryWriteAsync(Lease from, CancellationToken cancellationToken)
    {
        JsonObject spec = new()
        {
            ["holderIdentity"] = _identity,
            ["leaseDurationSeconds"] = (int)_duration.TotalSeconds,
            ["renewTime"] = Now(),
        };
        if (from.Spec?.HolderIdentity != _identity)
        {
            spec["acquireTime"] = Now();
            spec["leaseTransitions"] = (from.Spec?.LeaseTransitions ?? 0) + 1;
        }

        JsonObject patch = new() { ["spec"] = spec };
        return TrySwapAsync(() => _client.MergePatchAsync(CoreResources.Leases, from, patch, FieldManager, cancellationToken));
    }

    // Losing the race is an answer, not a failure; the next try looks again.
    private async Task<bool> TrySwapAsync(Func<Task<Lease>> swap)
    {
        var sent = _time.GetTimestamp();
        try
        {
            Observe(await swap());
            _renewedAt = sent;
            return true;
        }
        catch (KubernetesApiException failure) when (IsLostRace(failure))
        {
            return false;
        }
    }

    // A missing namespace is not a lost race, and looking again would not help.
    private bool IsLostRace(KubernetesApiException failure) =>
        failure.Fault is KubernetesFault.Conflict or KubernetesFault.AlreadyExists
        || (failure.Fault == KubernetesFault.NotFound && failure.StatusName == _name.Name);

    private string Now() => MicroTimeConverter.Format(_time.GetUtcNow());
}
