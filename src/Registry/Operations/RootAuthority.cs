using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;

namespace CapiRegistryHook.Registry;

/// <summary>
/// The root CA of all registries. It is created when absent and never overwritten: with any number of callers at once
/// the API server lets exactly one create through, and all others read that one.
/// </summary>
internal sealed class RootAuthority(KubernetesClient management, RegistryOptions options, TimeProvider time)
{
    private const string CommonName = "registry-addon";

    private NamespacedName Name => new(options.HookNamespace, options.RootSecretName);

    /// <param name="mayCreate">
    /// False when the cluster already has a trust bundle: then a root existed, and a new one would only hide its loss.
    /// </param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<Ensured<CertificateAuthority>> EnsureAsync(bool mayCreate, CancellationToken cancellationToken)
    {
        if (await management.FindAsync(CoreResources.Secrets, Name, cancellationToken) is { } existing)
            return Load(existing, null);
        if (options.RootSource == RootSource.External)
            return Ensured<CertificateAuthority>.Stopped(Awaited());
        if (!mayCreate)
            return Refuse("does not exist, but this cluster's nodes already trust one; restore the Secret from a backup, or delete the cluster's CA Secret to start anew");

        try
        {
            var created = await management.CreateAsync(CoreResources.Secrets, NewRoot(), ObjectLabels.FieldManager, cancellationToken);
            return Load(created, new Change(ChangeVerb.Created, "Secret", Name.ToString(), false, "There was no root CA."));
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.AlreadyExists)
        {
            return Load(await management.GetAsync(CoreResources.Secrets, Name, cancellationToken), null);
        }
    }

    private Secret NewRoot()
    {
        var request = new RootRequest(CommonName, CertificateAlgorithms.Parse(options.KeyAlgorithm), RegistryOptions.RootLifetime);
        using var root = CertificateAuthority.CreateRoot(request, time);
        return new Secret
        {
            Metadata = new ObjectMeta { Namespace = Name.Namespace, Name = Name.Name, Labels = ObjectLabels.Movable },
            Type = SecretKeys.TlsType,
            Data = SecretKeys.Tls(root, root.CertificatePem),
        };
    }

    private Ensured<CertificateAuthority> Load(Secret secret, Change? change)
    {
        if (options.RootSource == RootSource.External && (secret.Value(SecretKeys.Certificate).IsEmpty || secret.Value(SecretKeys.PrivateKey).IsEmpty))
            return Ensured<CertificateAuthority>.Stopped(Awaited());

        CertificateAuthority authority;
        try
        {
            authority = CertificateAuthority.Load(
                secret.Value(SecretKeys.Certificate).Span, secret.Value(SecretKeys.PrivateKey).Span, secret.Value(SecretKeys.Authority).Span);
        }
        catch (CertificateException exception)
        {
            return Ensured<CertificateAuthority>.Stopped(new RegistryOutcome.Refused(FaultSentences.UnusableRoot(Name, exception)));
        }

        if (!authority.IsExpired(time))
            return new Ensured<CertificateAuthority>(authority, change);
        authority.Dispose();
        return Refuse("has expired; replace it, then recreate the clusters' nodes");
    }

    private RegistryOutcome.Waiting Awaited() =>
        new($"The root CA Secret {Name} is not there yet; it is made outside of this service.");

    private Ensured<CertificateAuthority> Refuse(string what) =>
        Ensured<CertificateAuthority>.Stopped(new RegistryOutcome.Refused($"The root CA Secret {Name} {what}."));
}
