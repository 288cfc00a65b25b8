using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// The root CA of all registries. It is created when absent, and only a rotation replaces it. Of concurrent callers, the API server lets
/// exactly one create it; all others read that one.
/// </summary>
internal sealed class RootAuthority(KubernetesClient management, RegistryOptions options, TimeProvider time)
{
    private const string CommonName = "registry-addon";

    private NamespacedName Name => NameOf(options);

    public static NamespacedName NameOf(RegistryOptions options) => new(options.HookNamespace, options.RootSecretName);

    /// <summary>The Secret with the next root during a rotation.</summary>
    public static NamespacedName NextNameOf(RegistryOptions options) => new(options.HookNamespace, $"{options.RootSecretName}-next");

    /// <summary>A Secret, not written yet, with a new root as configured.</summary>
    public static Secret NewRoot(NamespacedName name, RegistryOptions options, TimeProvider time) => AuthoritySecret.New(
        name, ObjectLabels.Movable,
        new RootRequest(CommonName, CertificateAlgorithms.Parse(options.KeyAlgorithm), RegistryOptions.RootLifetime), time);

    /// <summary>Reads the root, and creates it when no cluster has ever had one.</summary>
    /// <param name="plan">The cluster that needs the root.</param>
    /// <param name="mayCreate">
    /// False when the cluster already has a trust bundle: then a root existed, and a new one would hide its loss.
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
                "does not exist, but this cluster's nodes already trust one; "
                    + $"{FaultSentences.RestoreRoot}, or delete the cluster's CA Secret to start over");
        if (await new LostRootSearch(management, options).FindAsync(plan, cancellationToken) is { } trace)
            return await management.FindAsync(CoreResources.Secrets, Name, cancellationToken) is { } late
                ? await LoadAsync(late, cancellationToken)
                : Refuse(
                    $"does not exist, but {trace}; {FaultSentences.RestoreRoot}. A new root would not be trusted by the nodes that exist");
        return await CreateAsync(changes, cancellationToken);
    }

    private async Task<StepResult<SigningRoots>> CreateAsync(ICollection<Change> changes, CancellationToken cancellationToken)
    {
        try
        {
            var created = await management.CreateAsync(
                CoreResources.Secrets, NewRoot(Name, options, time), ObjectLabels.FieldManager, cancellationToken);
            changes.Add(new Change(ChangeVerb.Created, "Secret", Name.ToString(), false, "The root CA was missing."));
            return await LoadAsync(created, cancellationToken);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.AlreadyExists)
        {
            return await LoadAsync(await management.GetAsync(CoreResources.Secrets, Name, cancellationToken), cancellationToken);
        }
    }

    private async Task<StepResult<SigningRoots>> LoadAsync(Secret secret, CancellationToken cancellationToken)
    {
        if (options.RootSource == RootSource.External
            && (secret.Value(SecretKeys.Certificate).IsEmpty || secret.Value(SecretKeys.PrivateKey).IsEmpty))
            return Awaited();

        Secret? next = null;
        if (IsRotating(secret))
            (secret, next) = await ReadNextAsync(secret, cancellationToken);
        AuthoritySecret current;
        try
        {
            current = AuthoritySecret.Load(secret);
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
    /// The Secret of the next root is deleted after its promotion. Between the reads of both Secrets that may happen, so the current one
    /// is read again.
    /// </summary>
    private async Task<(Secret Current, Secret? Next)> ReadNextAsync(Secret current, CancellationToken cancellationToken)
    {
        var next = await management.FindAsync(CoreResources.Secrets, NextNameOf(options), cancellationToken);
        return next is null
            ? (await management.GetAsync(CoreResources.Secrets, Name, cancellationToken), null)
            : (current, next);
    }

    /// <summary>A next root that is broken or follows another root signs nothing; the rotation reports it.</summary>
    private static AuthoritySecret? Follower(AuthoritySecret current, Secret? secret)
    {
        var next = AuthoritySecret.TryLoad(secret);
        if (next is null || current.IsFollowedBy(next))
            return next;
        next.Dispose();
        return null;
    }

    private RegistryOutcome Awaited() =>
        RegistryOutcome.Waiting($"The root CA Secret {Name} does not exist yet; it is managed outside this service.");

    private RegistryOutcome Refuse(string what) => RegistryOutcome.Refused($"The root CA Secret {Name} {what}.");
}
