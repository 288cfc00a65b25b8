using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
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
        if (live is null)
            return await CreateAsync(plan, root.TrustBundle.PruneExpired(time), cancellationToken);
        if (!IsOurs(live))
            return RefuseForeign(plan);

        var trusted = Read(live);
        if (nodesExist && trusted is { Count: > 0 } && !root.IsAnchoredIn(trusted, time))
            return RefuseRoot(plan);

        var wanted = (nodesExist && trusted is not null ? trusted.Add(root.TrustBundle) : root.TrustBundle).PruneExpired(time);
        return Matches(live, plan, wanted)
            ? new Ensured<TrustBundle>(wanted)
            : await PatchAsync(plan, live, wanted, cancellationToken);
    }

    private async Task<Ensured<TrustBundle>> CreateAsync(RegistryPlan plan, TrustBundle wanted, CancellationToken cancellationToken)
    {
        var secret = new Secret
        {
            Metadata = new ObjectMeta
            {
                Namespace = plan.TrustSecret.Namespace,
                Name = plan.TrustSecret.Name,
                Labels = ObjectLabels.OfTrust(plan),
                OwnerReferences = [plan.Owner],
            },
            Type = SecretKeys.OpaqueType,
            Data = new Dictionary<string, byte[]> { [SecretKeys.Authority] = Encoding.ASCII.GetBytes(wanted.ToPem()) },
        };
        await management.CreateAsync(CoreResources.Secrets, secret, ObjectLabels.FieldManager, cancellationToken);
        return Changed(plan, wanted, ChangeVerb.Created, "The cluster had no CA Secret.");
    }

    private async Task<Ensured<TrustBundle>> PatchAsync(RegistryPlan plan, Secret live, TrustBundle wanted, CancellationToken cancellationToken)
    {
        var owners = (live.Metadata.OwnerReferences ?? []).Where(owner => !ClusterOwner.IsCluster(owner)).Append(ClusterOwner.Settle(plan.Owner, live.Metadata));
        var data = new JsonObject();
        foreach (var key in live.Data?.Keys ?? [])
            data[key] = null;
        data[SecretKeys.Authority] = Convert.ToBase64String(Encoding.ASCII.GetBytes(wanted.ToPem()));
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["resourceVersion"] = live.Metadata.ResourceVersion,
                ["labels"] = new JsonObject(ObjectLabels.OfTrust(plan).Select(label => KeyValuePair.Create<string, JsonNode?>(label.Key, label.Value))),
                ["ownerReferences"] = JsonSerializer.SerializeToNode([.. owners], RegistryJson.Default.ListOwnerReference),
            },
            ["data"] = data,
        };
        await management.MergePatchAsync(CoreResources.Secrets, plan.TrustSecret, patch, ObjectLabels.FieldManager, cancellationToken);
        return Changed(plan, wanted, ChangeVerb.Updated, "The cluster CA Secret was not as it should be.");
    }

    /// <summary>
    /// A cluster called "x-registry-addon" has its own CA, key included, in a Secret of the name that the cluster "x" has for
    /// this one. Only a Secret that looks like ours is written to.
    /// </summary>
    private static bool IsOurs(Secret live) =>
        live.Type is SecretKeys.OpaqueType or null
        && (ObjectLabels.IsManaged(live.Metadata) || live.Data is null || live.Data.Keys.All(key => key == SecretKeys.Authority));

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

    private static bool Matches(Secret live, RegistryPlan plan, TrustBundle wanted) =>
        live.Data is { Count: 1 }
        && live.Value(SecretKeys.Authority).Span.SequenceEqual(Encoding.ASCII.GetBytes(wanted.ToPem()))
        && ObjectLabels.OfTrust(plan).All(label => live.Metadata.Labels?.GetValueOrDefault(label.Key) == label.Value)
        && live.Metadata.OwnerReferences is { } owners && owners.Where(ClusterOwner.IsCluster).SequenceEqual([ClusterOwner.Settle(plan.Owner, live.Metadata)]);

    private static Ensured<TrustBundle> Changed(RegistryPlan plan, TrustBundle wanted, ChangeVerb verb, string why) =>
        new(wanted, new Change(verb, "Secret", plan.TrustSecret.ToString(), false, why));

    private static Ensured<TrustBundle> RefuseForeign(RegistryPlan plan) => Ensured<TrustBundle>.Stopped(new RegistryOutcome.Refused(
        $"The Secret {plan.TrustSecret} is not ours: it has another type or other keys than {SecretKeys.Authority}; rename it, or give the Cluster another name."));

    private static Ensured<TrustBundle> RefuseRoot(RegistryPlan plan) => Ensured<TrustBundle>.Stopped(new RegistryOutcome.Refused(
        $"The root CA Secret {plan.RootSecret} is not the one that this cluster's nodes trust (Secret {plan.TrustSecret}); restore the former root, or recreate the nodes after deleting the cluster's CA Secret."));
}
