using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// Gives the root a successor when its time has come. Every step is one write that a repeated pass finds done, so a crash between any two
/// is
/// harmless: the next root is created, then announced on the current Secret; when all clusters serve its certificates the current Secret
/// takes its
/// content, which forgets the former key; then the second Secret goes. Only the leader calls this, and a former leader that
/// wakes up meets another resourceVersion or uid.
/// </summary>
internal sealed class RootRotation(KubernetesClient management, RegistryOptions options, TimeProvider time)
{
    private NamespacedName Current => RootAuthority.NameOf(options);

    private NamespacedName Next => RootAuthority.NextNameOf(options);

    /// <summary>Does the next step, if its time has come.</summary>
    /// <param name="fleet">The clusters.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <exception cref="KubernetesApiException">A call failed; calling again goes on where it stopped.</exception>
    public async Task<RotationReport> AdvanceAsync(IRotationProgress fleet, CancellationToken cancellationToken)
    {
        var secret = await management.FindAsync(CoreResources.Secrets, Current, cancellationToken);
        if (secret is null)
            return new RotationReport(RotationPhase.None, 0, null, []);
        using var current = RootSecret.TryLoad(secret);
        if (current is null)
            return new RotationReport(RotationPhase.None, 0, null, []) { Problem = $"The root CA Secret {Current} can't be used." };
        if (options.RootSource == RootSource.External)
            return Report(RotationPhase.None, current);
        return await management.FindAsync(CoreResources.Secrets, Next, cancellationToken) is { } next
            ? await GoOnAsync(current, next, fleet, cancellationToken)
            : await BeginAsync(current, fleet, cancellationToken);
    }

    private async Task<RotationReport> BeginAsync(RootSecret current, IRotationProgress fleet, CancellationToken cancellationToken)
    {
        if (IsAnnounced(current))
        {
            await PatchAsync(current, new JsonObject { [RootAnnotations.NextRoot] = null }, null, cancellationToken);
            return Report(RotationPhase.None, current, Updated("The next root was deleted, so its rotation is given up."));
        }

        if (RotationTrigger.Why(current, time.GetUtcNow()) is not { } why)
            return Report(RotationPhase.None, current);
        if (RotationTrigger.Obstacle(current) is { } obstacle)
            return Report(RotationPhase.None,
                current) with { Problem = $"The root CA Secret {Current} is due for rotation, but can't be rotated here. {obstacle}" };
        var next = NextRootFactory.Create(current, options, time);
        if (current.Authority.CrossCertificatesAt(time.GetUtcNow()).Count >= PemLimits.CrossCertificates
            && !NextRootFactory.ReachesAll(current, next, await fleet.TrustedAsync(cancellationToken), time))
            return Report(RotationPhase.None, current) with
            {
                Problem =
                    $"The root CA Secret {Current} is due for rotation, but nodes still rely on a root that more than "
                        + $"{PemLimits.CrossCertificates} rotations lie behind; replace the oldest Machines first.",
            };

        await management.CreateAsync(CoreResources.Secrets, next, ObjectLabels.FieldManager, cancellationToken);
        await AnnounceAsync(current, cancellationToken);
        return Report(RotationPhase.Prepare, current, new Change(ChangeVerb.Created, "Secret", Next.ToString(), false, why),
            Updated("It announces the next root."));
    }

    private async Task<RotationReport> GoOnAsync(
        RootSecret current, Secret secret, IRotationProgress fleet, CancellationToken cancellationToken)
    {
        using var next = RootSecret.TryLoad(secret);
        var isObsolete = next?.Id == current.Id || ((next is null || !current.IsFollowedBy(next)) && !IsAnnounced(current));
        if (isObsolete && secret.Metadata.DeletionTimestamp is not null)
            return Report(RotationPhase.None, current) with {
                Waits = $"The Secret {Next} is being deleted; a finalizer holds it. The next rotation starts once it is gone." };
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
            return Report(RotationPhase.Switch, current) with {
                Waits = $"The registry of {FieldText.Sentence(laggard.ToString())} does not serve a certificate from the next root yet." };
        return await PromoteAsync(current, next, cancellationToken);
    }

    private async Task<RotationReport> PromoteAsync(RootSecret current, RootSecret next, CancellationToken cancellationToken)
    {
        var annotations = new JsonObject
        {
            [RootAnnotations.Generation] = next.Annotation(RootAnnotations.Generation),
            [RootAnnotations.RotatedFor] = next.Annotation(RootAnnotations.RotatedFor),
            [RootAnnotations.NextRoot] = null,
        };
        var data = new JsonObject();
        foreach (var key in new[] { SecretKeys.Certificate, SecretKeys.PrivateKey, SecretKeys.Authority, RootSecret.CrossCertificatesKey })
            data[key] = Convert.ToBase64String(next.Secret.Value(key).Span);
        await PatchAsync(current, annotations, data, cancellationToken);
        await DeleteNextAsync(next.Secret, cancellationToken);
        return Report(RotationPhase.None, next, Updated("All clusters serve certificates from the next root, which takes its place."),
            Deleted("It is the current root now."));
    }

    /// <summary>A crash after the promotion left this.</summary>
    private async Task<RotationReport> EndAsync(RootSecret current, Secret next, CancellationToken cancellationToken)
    {
        await DeleteNextAsync(next, cancellationToken);
        return Report(RotationPhase.None, current, Deleted("It is the current root already."));
    }

    /// <summary>
    /// One that was never announced has signed nothing: a leader that was overtaken left it. One that was announced may have.
    /// </summary>
    private async Task<RotationReport> SetAsideAsync(RootSecret current, Secret next, CancellationToken cancellationToken)
    {
        if (IsAnnounced(current))
            return Report(
                RotationPhase.None,
                current) with {
                    Problem =
                        $"The Secret {Next} is broken or follows another root than the one in {Current}; restore both from the same "
                            + "backup, or delete it to give the rotation up." };
        await DeleteNextAsync(next, cancellationToken);
        return Report(RotationPhase.None, current, Deleted("It does not follow the current root."));
    }

    private Task<Secret> AnnounceAsync(RootSecret current, CancellationToken cancellationToken) =>
        PatchAsync(current, new JsonObject { [RootAnnotations.NextRoot] = Next.Name }, null, cancellationToken);

    private Task<Secret> PatchAsync(RootSecret current, JsonObject annotations, JsonObject? data, CancellationToken cancellationToken)
    {
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = annotations } };
        if (data is not null)
            patch["data"] = data;
        return management.MergePatchAsync(CoreResources.Secrets, current.Secret, patch, ObjectLabels.FieldManager, cancellationToken);
    }

    private Task<bool> DeleteNextAsync(Secret next, CancellationToken cancellationToken) =>
        management.DeleteIfExistsAsync(
            CoreResources.Secrets, Next, new DeleteOptions { Uid = next.Metadata.Uid, ResourceVersion = next.Metadata.ResourceVersion },
            cancellationToken);

    private static bool IsAnnounced(RootSecret current) => current.Annotation(RootAnnotations.NextRoot) is not null;

    private Change Updated(string why) => new(ChangeVerb.Updated, "Secret", Current.ToString(), false, why);

    private Change Deleted(string why) => new(ChangeVerb.Deleted, "Secret", Next.ToString(), false, why);

    private static RotationReport Report(RotationPhase phase, RootSecret current, params Change[] changes) =>
        new(phase, current.Generation, current.Authority.NotAfter, changes);
}
