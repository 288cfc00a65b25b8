using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>The Secret beside a Cluster as it is read and written: the bundle, and since when each root is in it.</summary>
internal sealed class TrustSecret(KubernetesClient management)
{
    public Task<Secret?> FindAsync(RegistryPlan plan, CancellationToken cancellationToken) =>
        management.FindAsync(CoreResources.Secrets, plan.TrustSecret, cancellationToken);

    public Task CreateAsync(RegistryPlan plan, TrustBundle bundle, TrustDates dates, CancellationToken cancellationToken)
    {
        var secret = new Secret
        {
            Metadata = new ObjectMeta
            {
                Namespace = plan.TrustSecret.Namespace,
                Name = plan.TrustSecret.Name,
                Labels = ObjectLabels.OfTrust(plan),
                Annotations = new Dictionary<string, string> { [TrustDates.Annotation] = dates.ToString() },
                OwnerReferences = [plan.Owner],
            },
            Type = SecretKeys.OpaqueType,
            Data = new Dictionary<string, byte[]> { [SecretKeys.Authority] = Encoding.ASCII.GetBytes(bundle.ToPem()) },
        };
        return management.CreateAsync(CoreResources.Secrets, secret, ObjectLabels.FieldManager, cancellationToken);
    }

    /// <summary>Under the resourceVersion that was read, so that a root somebody else added meanwhile is not lost.</summary>
    public Task PatchAsync(RegistryPlan plan, Secret live, TrustBundle bundle, TrustDates dates, CancellationToken cancellationToken)
    {
        var owners = (live.Metadata.OwnerReferences ?? []).Where(owner => !ClusterOwner.IsCluster(owner))
            .Append(ClusterOwner.Settle(plan.Owner, live.Metadata));
        var data = new JsonObject();
        foreach (var key in live.Data?.Keys ?? [])
            data[key] = null;
        data[SecretKeys.Authority] = Convert.ToBase64String(Encoding.ASCII.GetBytes(bundle.ToPem()));
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["labels"] = new JsonObject(
                    ObjectLabels.OfTrust(plan).Select(label => KeyValuePair.Create<string, JsonNode?>(label.Key, label.Value))),
                ["annotations"] = new JsonObject { [TrustDates.Annotation] = dates.ToString() },
                ["ownerReferences"] = JsonSerializer.SerializeToNode([.. owners], RegistryJson.Default.ListOwnerReference),
            },
            ["data"] = data,
        };
        return management.MergePatchAsync(CoreResources.Secrets, live, patch, ObjectLabels.FieldManager, cancellationToken);
    }

    /// <summary>
    /// A cluster called "x-registry-addon" has its own CA, key included, in a Secret of the name that the cluster "x" has for
    /// this one. Only a Secret that looks like ours is written to.
    /// </summary>
    public static bool IsOurs(Secret live) =>
        live.Type is SecretKeys.OpaqueType or null
        && (ObjectLabels.IsManaged(live.Metadata) || live.Data is null || live.Data.Keys.All(key => key == SecretKeys.Authority));

    /// <summary>Null when there is nothing that a node could have trusted.</summary>
    public static TrustBundle? Read(Secret secret)
    {
        try
        {
            return TrustBundle.Parse(secret.Value(SecretKeys.Authority).Span) is { Count: > 0 } bundle ? bundle : null;
        }
        catch (CertificateException)
        {
            // A broken file makes containerd fail every pull, so it is replaced as if it were missing.
            return null;
        }
    }

    public static bool Matches(Secret live, RegistryPlan plan, TrustBundle bundle, TrustDates dates) =>
        live.Data is { Count: 1 }
        && live.Value(SecretKeys.Authority).Span.SequenceEqual(Encoding.ASCII.GetBytes(bundle.ToPem()))
        && live.Metadata.Annotations?.GetValueOrDefault(TrustDates.Annotation) == dates.ToString()
        && ObjectLabels.OfTrust(plan).All(label => live.Metadata.Labels?.GetValueOrDefault(label.Key) == label.Value)
        && live.Metadata.OwnerReferences is { } owners
        && owners.Where(ClusterOwner.IsCluster).SequenceEqual([ClusterOwner.Settle(plan.Owner, live.Metadata)]);
}
