using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Release;

/// <summary>The first step: a root that may sign for a cluster, in the bundle that its nodes trust.</summary>
internal sealed class TrustInstallation(KubernetesClient management, RegistryOptions options, TimeProvider time)
{
    private readonly RootAuthority _root = new(management, options, time);
    private readonly ClusterTrust _trust = new(management, time);

    /// <summary>Makes the root and the bundle where they are missing.</summary>
    /// <param name="plan">The cluster's plan.</param>
    /// <param name="nodesExist">True once nodes may have been created with the bundle.</param>
    /// <param name="context">Takes what was changed, and the bundle.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>Who signs for the cluster; to be disposed by the caller.</returns>
    public async Task<StepResult<ClusterSigner>> EnsureAsync(
        RegistryPlan plan, bool nodesExist, ReconcileContext context, CancellationToken cancellationToken)
    {
        var live = await _trust.FindAsync(plan, cancellationToken);
        if (await FindForgeryAsync(plan, live, context, cancellationToken) is { } forgery)
            return forgery;
        var roots = await _root.EnsureAsync(plan, mayCreate: live is null || !nodesExist, context.Changes, cancellationToken);
        if (roots.Value is null)
            return roots.Stop!;

        // From here on the roots have an owner only when all goes well.
        var signer = default(StepResult<ClusterSigner>);
        try
        {
            signer = await _trust.EnsureAsync(plan, roots.Value, live, nodesExist, context.Changes, cancellationToken);
            context.Bundle = signer.Value?.Bundle;
            return signer;
        }
        finally
        {
            if (signer.Value is null)
                roots.Value.Dispose();
        }
    }

    /// <summary>
    /// The last step of a rotation, which waits for nodes and so for weeks; nothing is called while the bundle has no former root. What
    /// an earlier reconcile saw served does not count in one that just found something else.
    /// </summary>
    public async Task RetireAsync(
        RegistryPlan plan, ClusterSigner signer, bool isDone, ReconcileContext context, CancellationToken cancellationToken)
    {
        if (signer.IsSettled)
            return;
        var isServed = isDone && context.Certificate is { IsServed: true } certificate && certificate.Issuer == signer.Roots.SignerId;
        context.Rotation = isServed ? RotationPhase.Drain : RotationPhase.Switch;
        context.Take(await _trust.RetireAsync(plan, signer.Roots, isServed, cancellationToken));
    }

    /// <summary>
    /// Everything here gets the Cluster as owner, by the uid that a request names. With a false one the garbage collector would delete it
    /// all, so the uid is compared with the live Cluster's, unless the cluster CA Secret names it already: then it was compared before.
    /// </summary>
    private async Task<RegistryOutcome?> FindForgeryAsync(
        RegistryPlan plan, Secret? live, ReconcileContext context, CancellationToken cancellationToken)
    {
        if (context.IsClusterLive || (live is not null && ClusterOwner.Owns(plan.Cluster, live.Metadata)))
            return null;
        var cluster = await management.FindAsync(RegistryResources.Clusters(plan.Cluster), plan.Cluster.Name, cancellationToken);
        return cluster?.Metadata.Uid == plan.Cluster.Metadata.Uid ? null : RegistryOutcome.Refused(
            $"The request is for a Cluster {plan.Cluster.DisplayName} with another metadata.uid than the one on the management cluster; "
                + "nothing was changed.");
    }
}
