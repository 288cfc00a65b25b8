using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>
/// The Secret with the authority of the serving certificates. It is created when absent; after that each write is under the version that
/// was read, so that
/// of any number of replicas one makes each step, and a key that may still be needed is never overwritten.
/// </summary>
internal sealed class ServingAuthoritySecret(KubernetesClient management, NamespacedName name, KeyAlgorithm algorithm, TimeProvider time)
{
    /// <summary>Set by a person: any text that is not <see cref="RotatedForAnnotation"/>'s asks for a new authority.</summary>
    public const string RotateAnnotation = "capi-registry-hook.io/rotate-ca";

    /// <summary>The text of the last request that was met.</summary>
    public const string RotatedForAnnotation = "capi-registry-hook.io/rotated-ca-for";

    /// <summary>Reads the authority, and makes it when it is absent.</summary>
    /// <exception cref="CertificateException">The content of the Secret can't be used; it stays as it is.</exception>
    public async Task<ServingAuthority> EnsureAsync(CancellationToken cancellationToken)
    {
        var live = await management.FindAsync(CoreResources.Secrets, name, cancellationToken);
        return ServingAuthority.Read(
            live ?? await management.CreateAsync(CoreResources.Secrets, NewSecret(), ObjectLabels.FieldManager, cancellationToken));
    }

    /// <summary>Whether the authority is to get a successor: after half of its life, or when one was asked for.</summary>
    public bool IsSuccessorDue(ServingAuthority authority) =>
        authority.Next is null
        && (time.GetUtcNow() >= authority.Signer.RotationTime || (Requested(authority.Live) is { } asked && asked != Met(authority.Live)));

    /// <summary>Makes the successor, which signs nothing yet.</summary>
    public async Task<ServingAuthority> PrepareAsync(ServingAuthority authority, CancellationToken cancellationToken)
    {
        using var next = ServingAuthority.Create(name.Name, algorithm, time);
        var data = new JsonObject
        {
            [ServingAuthority.NextCertificate] = Encode(Encoding.ASCII.GetBytes(next.CertificatePem)),
            [ServingAuthority.NextPrivateKey] = Encode(next.PrivateKeyPem),
            [ServingAuthority.NextCrossCertificates] = Encode(authority.CrossCertificateTo(next, time)),
        };
        var annotations = Requested(authority.Live) is { } asked ? new JsonObject { [RotatedForAnnotation] = asked } : null;
        return ServingAuthority.Read(await PatchAsync(authority.Live, data, annotations, cancellationToken));
    }

    /// <summary>
    /// Lets the next authority sign from now on. The former key is gone with that: nothing needs it, and a cross-certificate leads from
    /// it.
    /// </summary>
    public async Task<ServingAuthority> SwitchAsync(ServingAuthority authority, CancellationToken cancellationToken)
    {
        var data = authority.Live;
        return ServingAuthority.Read(await PatchAsync(data, new JsonObject
        {
            [SecretKeys.Certificate] = Encode(data.Value(ServingAuthority.NextCertificate)),
            [SecretKeys.PrivateKey] = Encode(data.Value(ServingAuthority.NextPrivateKey)),
            [SecretKeys.Authority] = Encode(data.Value(ServingAuthority.NextCertificate)),
            [ServingAuthority.CrossCertificates] = Encode(data.Value(ServingAuthority.NextCrossCertificates)),
            [ServingAuthority.NextCertificate] = null,
            [ServingAuthority.NextPrivateKey] = null,
            [ServingAuthority.NextCrossCertificates] = null,
        }, null, cancellationToken));
    }

    private Task<Secret> PatchAsync(Secret live, JsonObject data, JsonObject? annotations, CancellationToken cancellationToken)
    {
        var patch = new JsonObject { ["data"] = data };
        if (annotations is not null)
            patch["metadata"] = new JsonObject { ["annotations"] = annotations };
        return management.MergePatchAsync(CoreResources.Secrets, live, patch, ObjectLabels.FieldManager, cancellationToken);
    }

    private Secret NewSecret()
    {
        using var root = ServingAuthority.Create(name.Name, algorithm, time);
        return new Secret
        {
            Metadata = new ObjectMeta { Namespace = name.Namespace, Name = name.Name, Labels = ObjectLabels.Workload },
            Type = SecretKeys.TlsType,
            Data = SecretKeys.Tls(root, root.CertificatePem),
        };
    }

    private static string? Requested(Secret live) => live.Metadata.Annotations?.GetValueOrDefault(RotateAnnotation);

    private static string? Met(Secret live) => live.Metadata.Annotations?.GetValueOrDefault(RotatedForAnnotation);

    private static string Encode(ReadOnlyMemory<byte> bytes) => Convert.ToBase64String(bytes.Span);
}
