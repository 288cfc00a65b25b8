using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Authorities;

/// <summary>
/// A Secret with a certificate authority: the root CA of the registries, or the authority of the service's own serving certificates. The
/// keys are those of cert-manager, and the cross-certificates by which clients of former authorities accept this one.
/// </summary>
internal sealed record AuthoritySecret(Secret Secret, CertificateAuthority Authority) : IDisposable
{
    /// <summary>The cross-certificates that lead to the authority, as PEM.</summary>
    public const string CrossCertificatesKey = "cross-certificates.crt";

    /// <summary>Set by a person: a text other than that in <see cref="RotatedForAnnotation"/> requests a rotation.</summary>
    public const string RotateAnnotation = "capi-registry-hook.io/rotate-ca";

    /// <summary>The request that the latest rotation fulfilled.</summary>
    public const string RotatedForAnnotation = "capi-registry-hook.io/rotated-ca-for";

    /// <summary>The text of the request for a rotation, fulfilled or not; null when there is none.</summary>
    public string? RotationRequest => Annotation(RotateAnnotation);

    /// <summary>Whether a rotation is requested and still to be done.</summary>
    public bool IsRotationRequested => RotationRequest is { } request && request != Annotation(RotatedForAnnotation);

    /// <exception cref="CertificateException">The content of the Secret can't be used as an authority.</exception>
    public static AuthoritySecret Load(Secret secret) => new(secret, CertificateAuthority.Load(
        secret.Value(SecretKeys.Certificate).Span, secret.Value(SecretKeys.PrivateKey).Span,
        secret.Value(SecretKeys.Authority).Span, secret.Value(CrossCertificatesKey).Span));

    /// <summary>Null when there is no Secret or its content can't be used.</summary>
    public static AuthoritySecret? TryLoad(Secret? secret)
    {
        try
        {
            return secret is null ? null : Load(secret);
        }
        catch (CertificateException)
        {
            return null;
        }
    }

    /// <summary>A Secret, not written yet, with a new self-signed authority.</summary>
    public static Secret New(NamespacedName name, IReadOnlyDictionary<string, string> labels, RootRequest request, TimeProvider time)
    {
        using var root = CertificateAuthority.CreateRoot(request, time);
        return new Secret
        {
            Metadata = new ObjectMeta { Namespace = name.Namespace, Name = name.Name, Labels = labels },
            Type = SecretKeys.TlsType,
            Data = SecretKeys.Tls(root, root.CertificatePem),
        };
    }

    /// <summary>Whether a successor is due: after half of the lifetime.</summary>
    public bool IsRotationDue(TimeProvider time) => time.GetUtcNow() >= Authority.RotationTime;

    /// <summary>Null when it is absent or empty.</summary>
    public string? Annotation(string name) => Secret.Metadata.Annotations?.GetValueOrDefault(name) is { Length: > 0 } value ? value : null;

    /// <summary>Writes annotations and data; fails with Conflict when somebody wrote since the Secret was read.</summary>
    /// <param name="management">Client of the management cluster.</param>
    /// <param name="annotations">New values; null removes an annotation.</param>
    /// <param name="data">New values in base64; null removes a key. Null as a whole leaves the data alone.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<Secret> PatchAsync(
        KubernetesClient management, JsonObject annotations, JsonObject? data, CancellationToken cancellationToken)
    {
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = annotations } };
        if (data is not null)
            patch["data"] = data;
        return management.MergePatchAsync(CoreResources.Secrets, Secret, patch, ObjectLabels.FieldManager, cancellationToken);
    }

    public void Dispose() => Authority.Dispose();
}
