using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// The Secret beside a Cluster from which its nodes get the CA file: <c>ca.crt</c> alone, never a key. Once nodes exist
/// it only grows until <see cref="RetireAsync"/>: a root that the nodes do not trust is refused.
/// </summary>
internal sealed class ClusterTrust(KubernetesClient management, TimeProvider time)
{
    /// <summary>What is said of a bundle that has lost a root.</summary>
    public const string RetiredWhy = "A former root is not trusted any more.";

    private readonly TrustSecret _secret = new(management);
    private readonly MachineAges _ages = new(management);

    /// <summary>The Secret as it is; null when absent. Read before the root, which must not be made anew when this exists.</summary>
    public Task<Secret?> FindAsync(RegistryPlan plan, CancellationToken cancellationToken) => _secret.FindAsync(plan, cancellationToken);

    /// <summary>Makes the Secret hold the trust bundle of the roots, and finds out who may sign for the cluster.</summary>
    /// <param name="plan">The cluster's plan.</param>
    /// <param name="roots">The roots.</param>
    /// <param name="live">What <see cref="FindAsync"/> returned.</param>
    /// <param name="nodesExist">True once nodes may have been created with the Secret's content.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public Task<StepResult<ClusterSigner>> EnsureAsync(
        RegistryPlan plan, SigningRoots roots, Secret? live, bool nodesExist, CancellationToken cancellationToken)
    {
        var isRetry = false;
        return OptimisticWrite.RunAsync(async () =>
        {
            if (isRetry)
                live = await FindAsync(plan, cancellationToken);
            isRetry = true;
            return live is null
                ? await CreateAsync(plan, roots, cancellationToken)
                : await UpdateAsync(plan, roots, live, nodesExist, cancellationToken);
        });
    }

    /// <summary>
    /// Drops former roots from the bundle when every node knows the one that signs; a compromised one at once, and then names the nodes
    /// that still trust it.
    /// Only the reconciler does this: it has seen what is served.
    /// </summary>
    /// <param name="plan">The cluster's plan.</param>
    /// <param name="roots">The roots.</param>
    /// <param name="served">Whether a certificate from the root that is to sign is what every pod of the registry serves.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public Task<RetireResult> RetireAsync(RegistryPlan plan, SigningRoots roots, bool served, CancellationToken cancellationToken) =>
        OptimisticWrite.RunAsync<RetireResult>(async () =>
        {
            if (await FindAsync(plan, cancellationToken) is not { } live || !TrustSecret.IsOurs(live)
                || TrustSecret.Read(live) is not { } trusted)
                return new RetireResult.Nothing();
            var dates = TrustDates.Read(live);
            var kept = trusted.Intersect(roots.IsRotating && roots.Compromised is null ? roots.Bundle : roots.Authority.TrustBundle);
            if (kept.Count == trusted.Count && roots.Compromised is null)
                return new RetireResult.Nothing();
            if (!served || dates.Since(roots.SignerId) is not { } since)
                return new RetireResult.Waits("The certificate from the new root is not served yet.", 0, null);
            if (roots.Compromised is not null)
                return await BanAsync(plan, live, trusted, kept, since, cancellationToken);

            var old = await _ages.OlderThanAsync(plan, since + TrustDates.Margin, cancellationToken);
            return old.Count > 0
                ? Waits("The former root stays trusted", "know only that one", old)
                : new RetireResult.Retired(await DropAsync(
                    plan, live, kept, dates.For(kept, time.GetUtcNow(), live.Metadata.CreationTimestamp), cancellationToken));
        });

    private async Task<StepResult<ClusterSigner>> CreateAsync(RegistryPlan plan, SigningRoots roots, CancellationToken cancellationToken)
    {
        var bundle = roots.Bundle;
        await _secret.CreateAsync(plan, bundle, TrustDates.AllFrom(bundle, time.GetUtcNow()), cancellationToken);
        return new StepResult<ClusterSigner>(
            new ClusterSigner(bundle, roots.Candidates.FirstOrDefault()),
            Changed(plan, ChangeVerb.Created, "The cluster had no CA Secret."));
    }

    private async Task<StepResult<ClusterSigner>> UpdateAsync(
        RegistryPlan plan, SigningRoots roots, Secret live, bool nodesExist, CancellationToken cancellationToken)
    {
        if (!TrustSecret.IsOurs(live))
            return RefuseForeign(plan);
        var trusted = nodesExist ? TrustSecret.Read(live) : null;
        if (trusted is not null && !roots.IsFollowed && !roots.Candidates.Any(root => root.IsAnchoredIn(trusted, time)))
            return RefuseRoot(plan);

        var wanted = (trusted is null ? roots.Bundle : trusted.Add(roots.Bundle)).PruneExpired(time);
        var dates = TrustDates.Read(live).For(wanted, time.GetUtcNow(), live.Metadata.CreationTimestamp);
        var authority = nodesExist
            ? await FindSignerAsync(plan, roots, wanted, dates, cancellationToken) : roots.Candidates.FirstOrDefault();
        var signer = new ClusterSigner(wanted, authority);
        if (TrustSecret.Matches(live, plan, wanted, dates))
            return new StepResult<ClusterSigner>(signer);
        await _secret.PatchAsync(plan, live, wanted, dates, cancellationToken);
        return new StepResult<ClusterSigner>(signer, Changed(plan, ChangeVerb.Updated, "The cluster CA Secret was not as it should be."));
    }

    /// <summary>
    /// The first root that all nodes accept. With cross-certificates that is the one that is to sign, from the first moment. Machines are
    /// listed only for a root that the
    /// oldest nodes need not know: one that others have put there.
    /// </summary>
    private async Task<CertificateAuthority?> FindSignerAsync(
        RegistryPlan plan, SigningRoots roots, TrustBundle bundle, TrustDates dates, CancellationToken cancellationToken)
    {
        foreach (var candidate in roots.Candidates)
        {
            var anchors = candidate.AnchorsIn(bundle, time);
            if (anchors.Count > 0
                && (dates.NodesMustBeYoungerThan(anchors) is not { } moment
                || (await _ages.OlderThanAsync(plan, moment, cancellationToken)).Count == 0))
                return candidate;
        }

        return null;
    }

    /// <summary>
    /// What nodes trust counts anew from the moment at which the compromised root is gone: those made before may have it.
    /// </summary>
    private async Task<RetireResult> BanAsync(
        RegistryPlan plan, Secret live, TrustBundle trusted, TrustBundle kept, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var change = kept.Count == trusted.Count
            ? null : await DropAsync(plan, live, kept, TrustDates.AllFrom(kept, now), cancellationToken);
        var old = await _ages.OlderThanAsync(plan, (change is null ? since : now) + TrustDates.Margin, cancellationToken);
        if (old.Count > 0)
            return Waits("A compromised root is still trusted by nodes", "must be replaced", old) with { Change = change };
        return change is null ? new RetireResult.Nothing() : new RetireResult.Retired(change);
    }

    private async Task<Change> DropAsync(
        RegistryPlan plan, Secret live, TrustBundle kept, TrustDates dates, CancellationToken cancellationToken)
    {
        await _secret.PatchAsync(plan, live, kept, dates, cancellationToken);
        return Changed(plan, ChangeVerb.Updated, RetiredWhy);
    }

    private static RetireResult.Waits Waits(string what, string why, OldMachines old) => new(
        $"{what}: {old.Count} Machines or MachinePools {why}, the oldest is {FieldText.Sentence(old.Oldest!)}.", old.Count, old.Oldest);

    private static Change Changed(RegistryPlan plan, ChangeVerb verb, string why) =>
        new(verb, "Secret", plan.TrustSecret.ToString(), false, why);

    private static StepResult<ClusterSigner> RefuseForeign(RegistryPlan plan) =>
        StepResult<ClusterSigner>.Stopped(new RegistryOutcome.Refused(
        $"The Secret {plan.TrustSecret} is not ours: it has another type or other keys than {SecretKeys.Authority}; rename it, or "
            + "give the Cluster another name."));

    private static StepResult<ClusterSigner> RefuseRoot(RegistryPlan plan) => StepResult<ClusterSigner>.Stopped(new RegistryOutcome.Refused(
        $"The root CA Secret {plan.RootSecret} is not the one that this cluster's nodes trust (Secret {plan.TrustSecret}); restore "
            + "the former root, or recreate the nodes after deleting the cluster's CA Secret."));
}
