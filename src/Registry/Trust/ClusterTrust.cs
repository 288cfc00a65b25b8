using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// The Secret in a Cluster's namespace from which its nodes get the CA file: <c>ca.crt</c> only, never a key. Once nodes exist, roots are
/// only added until <see cref="RetireAsync(RegistryPlan, SigningRoots, bool, CancellationToken)"/>; a root that the nodes do not trust is
/// refused.
/// </summary>
internal sealed class ClusterTrust(KubernetesClient management, TimeProvider time)
{
    /// <summary>The reason of the change that removes former roots.</summary>
    public const string RetiredReason = "A former root is no longer trusted.";

    private const string ReplacedReason = "No node trusts a compromised root any more.";

    private readonly TrustSecret _secret = new(management);
    private readonly MachineAges _ages = new(management);

    /// <summary>The live Secret; null when absent. It is read before the root, which must not be created when this exists.</summary>
    public Task<Secret?> FindAsync(RegistryPlan plan, CancellationToken cancellationToken) => _secret.FindAsync(plan, cancellationToken);

    /// <summary>Writes the roots' trust bundle to the Secret and decides which root may sign for the cluster.</summary>
    /// <param name="plan">The cluster's plan.</param>
    /// <param name="roots">The roots.</param>
    /// <param name="live">What <see cref="FindAsync"/> returned.</param>
    /// <param name="nodesExist">True once nodes may have been created with the Secret's content.</param>
    /// <param name="changes">Takes what was changed.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public Task<StepResult<ClusterSigner>> EnsureAsync(
        RegistryPlan plan, SigningRoots roots, Secret? live, bool nodesExist, ICollection<Change> changes,
        CancellationToken cancellationToken)
    {
        RequireNames(plan, roots);
        var isRetry = false;
        return OptimisticWrite.RunAsync(async () =>
        {
            if (isRetry)
                live = await FindAsync(plan, cancellationToken);
            isRetry = true;
            return live is null
                ? await CreateAsync(plan, roots, changes, cancellationToken)
                : await UpdateAsync(plan, roots, live, nodesExist, changes, cancellationToken);
        });
    }

    /// <summary>
    /// Refuses a root whose name constraints exclude the registry's names before nodes are created with it. Only issuing a certificate
    /// tells, and few roots have constraints.
    /// </summary>
    private void RequireNames(RegistryPlan plan, SigningRoots roots)
    {
        foreach (var authority in roots.Candidates.Where(authority => authority.ConstrainsNames))
            authority.Issue(plan.Certificate, time).Dispose();
    }

    /// <summary>
    /// Removes former roots from the bundle once every node trusts the one that signs. A compromised root is removed at once, and the nodes
    /// that still trust it are reported until they are replaced. Only the reconciler does this, since it verifies what is served.
    /// </summary>
    /// <param name="plan">The cluster's plan.</param>
    /// <param name="roots">The roots.</param>
    /// <param name="served">Whether every pod of the registry serves a certificate from the root that signs.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public Task<RetireResult> RetireAsync(RegistryPlan plan, SigningRoots roots, bool served, CancellationToken cancellationToken) =>
        OptimisticWrite.RunAsync<RetireResult>(async () =>
        {
            if (await FindAsync(plan, cancellationToken) is not { } live || !TrustSecret.IsOurs(live)
                || TrustSecret.Read(live) is not { } trusted)
                return new RetireResult.Nothing();
            var dates = TrustDates.Read(live);
            var kept = trusted.Intersect(roots.Bundle);
            if (kept.Count == trusted.Count && dates.BannedAt is null)
                return new RetireResult.Nothing();
            if (!served || dates.Since(roots.SignerId) is not { } since)
                return new RetireResult.Waits("The registry does not serve a certificate from the new root yet.", 0, null);
            return trusted.Any(roots.IsBanned)
                ? await BanAsync(plan, live, trusted.Where(root => !roots.IsBanned(root)), cancellationToken)
                : await RetireAsync(plan, new FormerRoots(live, trusted, kept, dates, since), cancellationToken);
        });

    /// <summary>
    /// Removes a compromised root, whatever else is in the bundle. The dates start again: Machines created before may trust it and have to
    /// be replaced.
    /// </summary>
    private async Task<RetireResult> BanAsync(RegistryPlan plan, Secret live, TrustBundle kept, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var change = await DropAsync(plan, live, kept, TrustDates.AfterBan(kept, now), RetiredReason, cancellationToken);
        return await FindDistrustedAsync(plan, now, cancellationToken) is { } waits
            ? waits with { Change = change } : new RetireResult.Retired(change);
    }

    private async Task<RetireResult> RetireAsync(RegistryPlan plan, FormerRoots roots, CancellationToken cancellationToken)
    {
        if (roots.Dates.BannedAt is { } banned && await FindDistrustedAsync(plan, banned, cancellationToken) is { } waits)
            return waits;
        var hasFormer = roots.Kept.Count < roots.Trusted.Count;
        if (hasFormer && await _ages.OlderThanAsync(plan, roots.Since + TrustDates.Margin, cancellationToken) is { Count: > 0 } old)
            return Waits("The former root stays trusted", "trusts only the previous root", "trust only the previous root", old);
        var dates = roots.Dates.For(roots.Kept, time.GetUtcNow(), roots.Live.Metadata.CreationTimestamp).WithoutBan();
        return new RetireResult.Retired(await DropAsync(
            plan, roots.Live, roots.Kept, dates, hasFormer ? RetiredReason : ReplacedReason, cancellationToken));
    }

    private async Task<RetireResult.Waits?> FindDistrustedAsync(
        RegistryPlan plan, DateTimeOffset banned, CancellationToken cancellationToken) =>
        await _ages.OlderThanAsync(plan, banned + TrustDates.Margin, cancellationToken) is { Count: > 0 } old
            ? Waits("Nodes still trust a compromised root", "must be replaced", "must be replaced", old) : null;

    private async Task<ClusterSigner> CreateAsync(
        RegistryPlan plan, SigningRoots roots, ICollection<Change> changes, CancellationToken cancellationToken)
    {
        var bundle = roots.Bundle;
        await _secret.CreateAsync(plan, bundle, TrustDates.AllFrom(bundle, time.GetUtcNow()), cancellationToken);
        changes.Add(Changed(plan, ChangeVerb.Created, "The CA Secret of the cluster was missing."));
        return new ClusterSigner(roots, bundle, roots.Candidates.FirstOrDefault(), IsSettled(roots, bundle, null));
    }

    private async Task<StepResult<ClusterSigner>> UpdateAsync(
        RegistryPlan plan, SigningRoots roots, Secret live, bool nodesExist, ICollection<Change> changes,
        CancellationToken cancellationToken)
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
        var signer = new ClusterSigner(roots, wanted, authority, IsSettled(roots, wanted, dates.BannedAt));
        if (TrustSecret.Matches(live, plan, wanted, dates))
            return signer;
        await _secret.PatchAsync(plan, live, wanted, dates, cancellationToken);
        changes.Add(Changed(plan, ChangeVerb.Updated, "The CA Secret of the cluster was out of date."));
        return signer;
    }

    /// <summary>
    /// The first root that all nodes accept. With cross-certificates that is the preferred one from the start. Machines are listed only
    /// for a root that the oldest nodes may not trust, as an external one.
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

    private async Task<Change> DropAsync(
        RegistryPlan plan, Secret live, TrustBundle kept, TrustDates dates, string reason, CancellationToken cancellationToken)
    {
        await _secret.PatchAsync(plan, live, kept, dates, cancellationToken);
        return Changed(plan, ChangeVerb.Updated, reason);
    }

    private static RetireResult.Waits Waits(string state, string one, string many, OldMachines old) => new(
        $"{state}: {(old.Count == 1 ? $"1 Machine or MachinePool {one}" : $"{old.Count} Machines or MachinePools {many}")}; the oldest is "
            + $"{FieldText.Sentence(old.Oldest!)}.", old.Count, old.Oldest);

    private static bool IsSettled(SigningRoots roots, TrustBundle bundle, DateTimeOffset? banned) =>
        banned is null && roots.Authority.TrustBundle.Contains(bundle);

    private static Change Changed(RegistryPlan plan, ChangeVerb verb, string reason) =>
        new(verb, "Secret", plan.TrustSecret.ToString(), false, reason);

    private static RegistryOutcome RefuseForeign(RegistryPlan plan) => RegistryOutcome.Refused(
        $"The Secret {plan.TrustSecret} is not ours: it has another type, or keys besides {SecretKeys.Authority}; "
            + "rename it or the Cluster.");

    private static RegistryOutcome RefuseRoot(RegistryPlan plan) => RegistryOutcome.Refused(
        $"The root CA Secret {plan.RootSecret} is not the one that this cluster's nodes trust (Secret {plan.TrustSecret}); "
            + $"{FaultSentences.RestoreRoot}, or delete the cluster's CA Secret and recreate the nodes.");

    /// <summary>A cluster's bundle, and what is left of it without former roots.</summary>
    private sealed record FormerRoots(Secret Live, TrustBundle Trusted, TrustBundle Kept, TrustDates Dates, DateTimeOffset Since);
}
