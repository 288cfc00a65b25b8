using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// The root CA of all registries. It is created when absent, and only a rotation replaces it: with any number of callers at once
/// the API server lets exactly one create through, and all others read that one.
/// </summary>
internal sealed class RootAuthority(KubernetesClient management, RegistryOptions options, TimeProvider time)
{
    private const string CommonName = "registry-addon";
    private const string Restore = "restore the Secret from a backup or with \"capi-registry-hook root import\"";

    private NamespacedName Name => NameOf(options);

    public static NamespacedName NameOf(RegistryOptions options) => new(options.HookNamespace, options.RootSecretName);

    /// <summary>Where a rotation keeps the root that is to follow.</summary>
    public static NamespacedName NextNameOf(RegistryOptions options) => new(options.HookNamespace, $"{options.RootSecretName}-next");

    /// <summary>A new root as an admin's options want it; disposing it zeroes its key.</summary>
    public static CertificateKeyPair Create(RegistryOptions options, TimeProvider time) =>
        CertificateAuthority.CreateRoot(
            new RootRequest(CommonName, CertificateAlgorithms.Parse(options.KeyAlgorithm), RegistryOptions.RootLifetime), time);

    /// <summary>Reads the root, and creates it when no cluster has ever had one.</summary>
    /// <param name="plan">The cluster that needs the root.</param>
    /// <param name="mayCreate">
    /// False when the cluster already has a trust bundle: then there was a root, and a new one would hide its loss.
    /// </param>
    /// <param name="changes">Takes what was changed.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<StepResult<SigningRoots>> EnsureAsync(
        RegistryPlan plan, bool mayCreate, ICollection<Change> changes, CancellationToken cancellationToken)
    {
        if (await management.FindAsync(CoreResources.Secrets, Name, cancellationToken) is { } existing)
            return await LoadAsync(existing, cancellationToken);
        if (options.RootSource == RootSource.External)
            return Awaited();
        if (!mayCreate)
            return Refuse(
                $"does not exist, but this cluster's nodes already trust one; {Restore}, or delete the cluster's CA Secret to start over");
        if (await new LostRootSearch(management, options).FindAsync(plan, cancellationToken) is { } trace)
            return await management.FindAsync(CoreResources.Secrets, Name, cancellationToken) is { } late
                ? await LoadAsync(late, cancellationToken)
                : Refuse($"does not exist, but {trace}; {Restore}. A new root would not be trusted by the nodes that exist");
        return await CreateAsync(changes, cancellationToken);
    }

    private async Task<StepResult<SigningRoots>> CreateAsync(ICollection<Change> changes, CancellationToken cancellationToken)
    {
        try
        {
            var created = await management.CreateAsync(CoreResources.Secrets, NewRoot(), ObjectLabels.FieldManager, cancellationToken);
            changes.Add(new Change(ChangeVerb.Created, "Secret", Name.ToString(), false, "There was no root CA."));
            return await LoadAsync(created, cancellationToken);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.AlreadyExists)
        {
            return await LoadAsync(await management.GetAsync(CoreResources.Secrets, Name, cancellationToken), cancellationToken);
        }
    }

    private Secret NewRoot()
    {
        using var root = Create(options, time);
        return new Secret
        {
            Metadata = new ObjectMeta { Namespace = Name.Namespace, Name = Name.Name, Labels = ObjectLabels.Movable },
            Type = SecretKeys.TlsType,
            Data = SecretKeys.Tls(root, root.CertificatePem),
        };
    }

    private async Task<StepResult<SigningRoots>> LoadAsync(Secret secret, CancellationToken cancellationToken)
    {
        if (options.RootSource == RootSource.External
            && (secret.Value(SecretKeys.Certificate).IsEmpty || secret.Value(SecretKeys.PrivateKey).IsEmpty))
            return Awaited();

        Secret? next = null;
        if (IsRotating(secret))
            (secret, next) = await ReadNextAsync(secret, cancellationToken);
        RootSecret current;
        try
        {
            current = RootSecret.Load(secret);
        }
        catch (CertificateException exception)
        {
            return RegistryOutcome.Refused(FaultSentences.UnusableRoot(Name, exception));
        }

        var roots = new SigningRoots(current, Follower(current, next), options.RootSource, time);
        if (roots.Candidates.Any())
            return roots;
        roots.Dispose();
        return Refuse("has expired; replace it, then recreate the clusters' nodes");
    }

    private bool IsRotating(Secret secret) =>
        options.RootSource == RootSource.Managed && secret.Metadata.Annotations?.ContainsKey(RootAnnotations.NextRoot) == true;

    /// <summary>
    /// The next root goes when it has become the current one; whoever comes between both writes reads the current one again.
    /// </summary>
    private async Task<(Secret Current, Secret? Next)> ReadNextAsync(Secret current, CancellationToken cancellationToken)
    {
        var next = await management.FindAsync(CoreResources.Secrets, NextNameOf(options), cancellationToken);
        return next is null
            ? (await management.GetAsync(CoreResources.Secrets, Name, cancellationToken), null)
            : (current, next);
    }

    /// <summary>A next root that is broken or follows another root is not signed with; the rotation says so.</summary>
    private static RootSecret? Follower(RootSecret current, Secret? secret)
    {
        var next = RootSecret.TryLoad(secret);
        if (next is null || current.IsFollowedBy(next))
            return next;
        next.Dispose();
        return null;
    }

    private RegistryOutcome Awaited() =>
        RegistryOutcome.Waiting($"The root CA Secret {Name} is not there yet; it is made outside of this service.");

    private RegistryOutcome Refuse(string what) => RegistryOutcome.Refused($"The root CA Secret {Name} {what}.");
}
