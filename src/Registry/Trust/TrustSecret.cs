using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>Reads and writes a cluster's CA Secret: the bundle, and when each root was added to it.</summary>
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

    /// <summary>Requires the resourceVersion that was read, so a root that somebody else added meanwhile is not lost.</summary>
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
    /// The cluster "x-registry-addon" keeps its own CA, key included, in a Secret with the name that this Secret has for the cluster "x".
    /// So only a Secret with our label or our content is written to.
    /// </summary>
    public static bool IsOurs(Secret live) =>
        live.Type is SecretKeys.OpaqueType or null
        && (ObjectLabels.IsManaged(live.Metadata) || live.Data is null || live.Data.Keys.All(key => key == SecretKeys.Authority));

    /// <summary>Null when there is no bundle that a node could trust.</summary>
    public static TrustBundle? Read(Secret secret)
    {
        try
        {
            return TrustBundle.Parse(secret.Value(SecretKeys.Authority).Span) is { Count: > 0 } bundle ? bundle : null;
        }
        catch (CertificateException)
        {
            // A broken CA file makes containerd fail every pull, so it is replaced as if it were missing.
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
