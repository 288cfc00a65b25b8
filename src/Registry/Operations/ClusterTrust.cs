using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;

namespace CapiRegistryHook.Registry;

/// <summary>
/// The Secret beside a Cluster from which its nodes get the CA file: <c>ca.crt</c> alone, never a key. Once nodes exist
/// it only grows: a root that the nodes do not trust is refused.
/// </summary>
internal sealed class ClusterTrust(KubernetesClient management, TimeProvider time)
{
    /// <summary>The Secret as it is; null when absent. Read before the root, which must not be made anew when this exists.</summary>
    public Task<Secret?> FindAsync(RegistryPlan plan, CancellationToken cancellationToken) =>
        management.FindAsync(CoreResources.Secrets, plan.TrustSecret, cancellationToken);

    /// <summary>Makes the Secret hold the trust bundle of the root.</summary>
    /// <param name="plan">The cluster's plan.</param>
    /// <param name="root">The root.</param>
    /// <param name="live">What <see cref="FindAsync"/> returned.</param>
    /// <param name="nodesExist">True once nodes may have been created with the Secret's content.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public Task<Ensured<TrustBundle>> EnsureAsync(
        RegistryPlan plan, CertificateAuthority root, Secret? live, bool nodesExist, CancellationToken cancellationToken)
    {
        var isRetry = false;
        return OptimisticWrite.RunAsync(async () =>
        {
            if (isRetry)
                live = await FindAsync(plan, cancellationToken);
            isRetry = true;
            return await WriteAsync(plan, root, live, nodesExist, cancellationToken);
        });
    }

    private async Task<Ensured<TrustBundle>> WriteAsync(
        RegistryPlan plan, CertificateAuthority root, Secret? live, bool nodesExist, CancellationToken cancellationToken)
    {
        var trusted = live is null ? null : Read(live);
        if (nodesExist && trusted is { Count: > 0 } && !root.IsAnchoredIn(trusted))
            return Refuse(plan);

        var wanted = (nodesExist && trusted is not null ? trusted.Add(root.TrustBundle) : root.TrustBundle).PruneExpired(time);
        var secret = Build(plan, wanted, live?.Metadata.ResourceVersion);
        if (live is not null && Matches(live, secret))
            return new Ensured<TrustBundle>(wanted);

        await management.ServerSideApplyAsync(CoreResources.Secrets, secret, new ApplyOptions(ObjectLabels.FieldManager, Force: true), cancellationToken);
        var change = live is null
            ? new Change(ChangeVerb.Created, "Secret", plan.TrustSecret.ToString(), false, "The cluster had no CA Secret.")
            : new Change(ChangeVerb.Updated, "Secret", plan.TrustSecret.ToString(), false, "The cluster CA Secret was not as it should be.");
        return new Ensured<TrustBundle>(wanted, change);
    }

    /// <summary>Null when there is nothing that a node could have trusted.</summary>
    private static TrustBundle? Read(Secret secret)
    {
        try
        {
            return TrustBundle.Parse(secret.Value(SecretKeys.Authority).Span);
        }
        catch (CertificateException)
        {
            // A broken file makes containerd fail every pull, so it is replaced as if it were missing.
            return null;
        }
    }

    private static Secret Build(RegistryPlan plan, TrustBundle bundle, string? resourceVersion) => new()
    {
        Metadata = new ObjectMeta
        {
            Namespace = plan.TrustSecret.Namespace,
            Name = plan.TrustSecret.Name,
            ResourceVersion = resourceVersion,
            Labels = new Dictionary<string, string>(ObjectLabels.For(plan).Concat(ObjectLabels.Movable).DistinctBy(label => label.Key)),
            OwnerReferences = [plan.Owner],
        },
        Type = SecretKeys.OpaqueType,
        Data = new Dictionary<string, byte[]> { [SecretKeys.Authority] = Encoding.ASCII.GetBytes(bundle.ToPem()) },
    };

    private static bool Matches(Secret live, Secret wanted) =>
        live.Value(SecretKeys.Authority).Span.SequenceEqual(wanted.Value(SecretKeys.Authority).Span)
        && wanted.Metadata.Labels!.All(label => live.Metadata.Labels?.GetValueOrDefault(label.Key) == label.Value)
        && live.Metadata.OwnerReferences?.Contains(wanted.Metadata.OwnerReferences![0]) == true;

    private static Ensured<TrustBundle> Refuse(RegistryPlan plan) => Ensured<TrustBundle>.Stopped(new RegistryOutcome.Refused(
        $"The root CA Secret {plan.RootSecret} is not the one that this cluster's nodes trust (Secret {plan.TrustSecret}); restore the former root, or recreate the nodes after deleting the cluster's CA Secret."));
}
