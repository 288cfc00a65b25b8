using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>
/// The Secret whose <c>ca.crt</c> Cluster API copies into the ExtensionConfig and the add-on provider for Helm verifies the chart
/// repository with. Other keys in it are left alone: pods of a release that read its certificate from a file may still need them.
/// </summary>
internal sealed class PublicSecret(KubernetesClient management, NamespacedName name, TimeProvider time)
{
    /// <summary>Until when former authorities stay in the bundle.</summary>
    public const string UntilAnnotation = "capi-registry-hook.io/trusted-until";

    /// <summary>Publishes these authorities in <c>ca.crt</c>.</summary>
    public async Task EnsureAsync(TrustBundle own, CancellationToken cancellationToken)
    {
        var live = await management.FindAsync(CoreResources.Secrets, name, cancellationToken);
        var noted = live?.Metadata.Annotations?.GetValueOrDefault(UntilAnnotation);
        var wanted = PublishedBundle.Decide(own, Read(live), noted, time);
        if (live is null)
            await management.CreateAsync(CoreResources.Secrets, NewSecret(wanted), ObjectLabels.FieldManager, cancellationToken);
        else if (!live.Value(SecretKeys.Authority).Span.SequenceEqual(Bytes(wanted)) || (noted ?? "") != wanted.Until)
            await management.MergePatchAsync(
                CoreResources.Secrets, live, Patch(wanted), ObjectLabels.FieldManager, cancellationToken);
    }

    private Secret NewSecret(PublishedBundle wanted) => new()
    {
        Metadata = new ObjectMeta { Namespace = name.Namespace, Name = name.Name, Labels = ObjectLabels.Workload },
        Type = SecretKeys.OpaqueType,
        Data = new Dictionary<string, byte[]> { [SecretKeys.Authority] = Bytes(wanted) },
    };

    private static JsonObject Patch(PublishedBundle wanted) => new()
    {
        ["metadata"] = new JsonObject
        {
            ["annotations"] = new JsonObject { [UntilAnnotation] = wanted.Until.Length == 0 ? null : wanted.Until },
        },
        ["data"] = new JsonObject { [SecretKeys.Authority] = Convert.ToBase64String(Bytes(wanted)) },
    };

    /// <summary>A bundle that can't be read is of no use to clients, so it counts as empty.</summary>
    private static TrustBundle Read(Secret? live)
    {
        try
        {
            return live is null ? TrustBundle.Empty : TrustBundle.Parse(live.Value(SecretKeys.Authority).Span);
        }
        catch (CertificateException)
        {
            return TrustBundle.Empty;
        }
    }

    private static byte[] Bytes(PublishedBundle wanted) => Encoding.ASCII.GetBytes(wanted.Bundle.ToPem());
}
