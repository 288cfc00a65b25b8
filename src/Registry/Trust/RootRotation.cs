using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// Rotates the root when it is due. The next root is created, then announced on the current Secret. Once all clusters serve its
/// certificates, its content replaces that of the current Secret, which deletes the former key; then the second Secret is deleted. Every
/// step is one write that the next reconcile finds done, so a crash between two steps is harmless. Only the leader calls this; the writes
/// of a former leader fail on the resourceVersion or uid.
/// </summary>
internal sealed class RootRotation(KubernetesClient management, RegistryOptions options, TimeProvider time)
{
    private NamespacedName Current => RootAuthority.NameOf(options);

    private NamespacedName Next => RootAuthority.NextNameOf(options);

    /// <summary>Takes the next step, if it is due.</summary>
    /// <param name="fleet">The clusters.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <exception cref="KubernetesApiException">A call failed; the next call continues from there.</exception>
    public async Task<RotationReport> AdvanceAsync(IRotationProgress fleet, CancellationToken cancellationToken)
    {
        var secret = await management.FindAsync(CoreResources.Secrets, Current, cancellationToken);
        if (secret is null)
            return new RotationReport(RotationPhase.None, 0, null, []);
        using var current = AuthoritySecret.TryLoad(secret);
        if (current is null)
            return new RotationReport(RotationPhase.None, 0, null, []) { Problem = $"The root CA Secret {Current} can't be used." };
        if (options.RootSource == RootSource.External)
            return Report(RotationPhase.None, current);
        return await management.FindAsync(CoreResources.Secrets, Next, cancellationToken) is { } next
            ? await ContinueAsync(current, next, fleet, cancellationToken)
            : await BeginAsync(current, fleet, cancellationToken);
    }

    private async Task<RotationReport> BeginAsync(AuthoritySecret current, IRotationProgress fleet, CancellationToken cancellationToken)
    {
        if (IsAnnounced(current))
        {
            await current.PatchAsync(management, new JsonObject { [RootAnnotations.NextRoot] = null }, null, cancellationToken);
            return Report(RotationPhase.None, current, Updated("The next root was deleted, so the rotation was abandoned."));
        }

        if (RotationTrigger.Reason(current, time) is not { } reason)
            return Report(RotationPhase.None, current);
        if (RotationTrigger.Obstacle(current) is { } obstacle)
            return Stopped(current, $"The root CA Secret {Current} is due for rotation, but can't be rotated here. {obstacle}");
        var next = NextRootFactory.Create(current, options, time);
        if (current.Authority.CrossCertificatesAt(time.GetUtcNow()).Count >= PemLimits.CrossCertificates
            && !NextRootFactory.ReachesAll(current, next, await fleet.TrustedAsync(cancellationToken), time))
            return Stopped(current, $"The root CA Secret {Current} is due for rotation, but nodes still rely on a root from more than "
                + $"{PemLimits.CrossCertificates} rotations ago; replace the oldest Machines first.");

        await management.CreateAsync(CoreResources.Secrets, next, ObjectLabels.FieldManager, cancellationToken);
        await AnnounceAsync(current, cancellationToken);
        return Report(RotationPhase.Prepare, current, new Change(ChangeVerb.Created, "Secret", Next.ToString(), false, reason),
            Updated("It announces the next root."));
    }

    private async Task<RotationReport> ContinueAsync(
        AuthoritySecret current, Secret secret, IRotationProgress fleet, CancellationToken cancellationToken)
    {
        using var next = AuthoritySecret.TryLoad(secret);
        var isObsolete = next?.Id == current.Id || ((next is null || !current.IsFollowedBy(next)) && !IsAnnounced(current));
        if (isObsolete && secret.Metadata.DeletionTimestamp is not null)
            return Report(RotationPhase.None, current) with
            {
                Waits = $"The Secret {Next} is being deleted, but has a finalizer. The next rotation starts once it is gone.",
            };
        if (next?.Id == current.Id)
            return await EndAsync(current, secret, cancellationToken);
        if (next is null || !current.IsFollowedBy(next))
            return await SetAsideAsync(current, secret, cancellationToken);
        if (!IsAnnounced(current))
        {
            await AnnounceAsync(current, cancellationToken);
            return Report(RotationPhase.Prepare, current, Updated("It announces the next root."));
        }

        if (!current.Authority.IsExpired(time) && await fleet.FindClusterNotRotatedAsync(next.Id, cancellationToken) is { } laggard)
            return Report(RotationPhase.Switch, current) with
            {
                Waits = $"The registry of {FieldText.Sentence(laggard.ToString())} does not serve a certificate from the next root yet.",
            };
        return await PromoteAsync(current, next, cancellationToken);
    }

    private async Task<RotationReport> PromoteAsync(AuthoritySecret current, AuthoritySecret next, CancellationToken cancellationToken)
    {
        var annotations = new JsonObject
        {
            [RootAnnotations.Generation] = next.Annotation(RootAnnotations.Generation),
            [AuthoritySecret.RotatedForAnnotation] = next.Annotation(AuthoritySecret.RotatedForAnnotation),
            [RootAnnotations.NextRoot] = null,
        };
        var data = new JsonObject();
        string[] keys = [SecretKeys.Certificate, SecretKeys.PrivateKey, SecretKeys.Authority, AuthoritySecret.CrossCertificatesKey];
        foreach (var key in keys)
            data[key] = Convert.ToBase64String(next.Secret.Value(key).Span);
        await current.PatchAsync(management, annotations, data, cancellationToken);
        await DeleteNextAsync(next.Secret, cancellationToken);
        return Report(RotationPhase.None, next, Updated("All clusters serve certificates from the next root, which has replaced it."),
            Deleted("It is the current root now."));
    }

    /// <summary>A crash between the promotion and the deletion left both Secrets.</summary>
    private async Task<RotationReport> EndAsync(AuthoritySecret current, Secret next, CancellationToken cancellationToken)
    {
        await DeleteNextAsync(next, cancellationToken);
        return Report(RotationPhase.None, current, Deleted("It is the current root already."));
    }

    /// <summary>
    /// A next root that was never announced has signed nothing: a former leader left it, and it is deleted. One that was announced may
    /// have signed, so a person decides.
    /// </summary>
    private async Task<RotationReport> SetAsideAsync(AuthoritySecret current, Secret next, CancellationToken cancellationToken)
    {
        if (IsAnnounced(current))
            return Stopped(current, $"The Secret {Next} can't be used or does not follow the root in {Current}; restore both from the same "
                + "backup, or delete it to abandon the rotation.");
        await DeleteNextAsync(next, cancellationToken);
        return Report(RotationPhase.None, current, Deleted("It does not follow the current root."));
    }

    private Task<Secret> AnnounceAsync(AuthoritySecret current, CancellationToken cancellationToken) =>
        current.PatchAsync(management, new JsonObject { [RootAnnotations.NextRoot] = Next.Name }, null, cancellationToken);

    private Task<bool> DeleteNextAsync(Secret next, CancellationToken cancellationToken) =>
        management.DeleteIfExistsAsync(
            CoreResources.Secrets, Next, new DeleteOptions { Uid = next.Metadata.Uid, ResourceVersion = next.Metadata.ResourceVersion },
            cancellationToken);

    private static bool IsAnnounced(AuthoritySecret current) => current.Annotation(RootAnnotations.NextRoot) is not null;

    private static RotationReport Stopped(AuthoritySecret current, string problem) =>
        Report(RotationPhase.None, current) with { Problem = problem };

    private Change Updated(string reason) => new(ChangeVerb.Updated, "Secret", Current.ToString(), false, reason);

    private Change Deleted(string reason) => new(ChangeVerb.Deleted, "Secret", Next.ToString(), false, reason);

    private static RotationReport Report(RotationPhase phase, AuthoritySecret current, params Change[] changes) =>
        new(phase, current.Generation, current.Authority.NotAfter, changes);
}
