using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>
/// Rotates the authority of the serving certificates. Its Secret is created when absent; every later write requires the version that was
/// read, so each step is taken by exactly one replica and a key that may still be needed is never overwritten.
/// </summary>
internal sealed class ServingAuthorityRotation(
    KubernetesClient management, NamespacedName name, KeyAlgorithm algorithm, TimeProvider time)
{
    /// <summary>Reads the authority, and creates it when it is absent.</summary>
    /// <exception cref="CertificateException">The content of the Secret can't be used; it stays as it is.</exception>
    public async Task<ServingAuthority> EnsureAsync(CancellationToken cancellationToken)
    {
        var live = await management.FindAsync(CoreResources.Secrets, name, cancellationToken);
        return ServingAuthority.Read(
            live ?? await management.CreateAsync(CoreResources.Secrets, NewSecret(), ObjectLabels.FieldManager, cancellationToken));
    }

    /// <summary>Whether a successor must be created: after half of the authority's lifetime, or on request.</summary>
    public bool IsSuccessorDue(ServingAuthority authority) =>
        authority.Next is null && (authority.Current.IsRotationDue(time) || authority.Current.IsRotationRequested);

    /// <summary>Creates the successor, which signs nothing yet.</summary>
    public async Task<ServingAuthority> PrepareAsync(ServingAuthority authority, CancellationToken cancellationToken)
    {
        var secret = NewSecret();
        using var next = AuthoritySecret.Load(secret);
        var data = new JsonObject
        {
            [ServingAuthority.NextCertificate] = Encode(secret.Value(SecretKeys.Certificate)),
            [ServingAuthority.NextPrivateKey] = Encode(secret.Value(SecretKeys.PrivateKey)),
            [ServingAuthority.NextCrossCertificates] = Encode(authority.CrossCertificateTo(next.Authority, time)),
        };
        var annotations = new JsonObject();
        if (authority.Current.RotationRequest is { } request)
            annotations[AuthoritySecret.RotatedForAnnotation] = request;
        return ServingAuthority.Read(await authority.Current.PatchAsync(management, annotations, data, cancellationToken));
    }

    /// <summary>
    /// Makes the next authority the one that signs. This deletes the former key: it is no longer needed, since a cross-certificate leads
    /// from the former authority to the new one.
    /// </summary>
    public async Task<ServingAuthority> SwitchAsync(ServingAuthority authority, CancellationToken cancellationToken)
    {
        var live = authority.Current.Secret;
        return ServingAuthority.Read(await authority.Current.PatchAsync(management, [], new JsonObject
        {
            [SecretKeys.Certificate] = Encode(live.Value(ServingAuthority.NextCertificate)),
            [SecretKeys.PrivateKey] = Encode(live.Value(ServingAuthority.NextPrivateKey)),
            [SecretKeys.Authority] = Encode(live.Value(ServingAuthority.NextCertificate)),
            [AuthoritySecret.CrossCertificatesKey] = Encode(live.Value(ServingAuthority.NextCrossCertificates)),
            [ServingAuthority.NextCertificate] = null,
            [ServingAuthority.NextPrivateKey] = null,
            [ServingAuthority.NextCrossCertificates] = null,
        }, cancellationToken));
    }

    /// <summary>The common name is that of the Secret, as cert-manager does it, so each can take over from the other.</summary>
    private Secret NewSecret() => AuthoritySecret.New(
        name, ObjectLabels.Workload, new RootRequest(name.Name, algorithm, ServingOptions.AuthorityLifetime), time);

    private static string Encode(ReadOnlyMemory<byte> bytes) => Convert.ToBase64String(bytes.Span);
}
