using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Backup;

/// <summary>
/// Writes a root backup to a management cluster. A root that clusters rely on is never replaced; one that nothing uses is, since a service
/// that was installed before the clusters arrived may have created it. Importing twice changes nothing.
/// </summary>
public static class RootImport
{
    /// <summary>A leader may remove the next root between the two writes; then both are written again.</summary>
    private const int Tries = 3;

    /// <summary>Imports a backup.</summary>
    /// <param name="connection">Where the management cluster is.</param>
    /// <param name="options">The admin's decisions, validated.</param>
    /// <param name="content">The backup, at most 1 MiB.</param>
    /// <param name="protection">What decrypts the private keys.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>Whether the root is in place, and what was done or why not.</returns>
    /// <exception cref="ManagementConnectionException">The kubeconfig or the pod's service account can't be used.</exception>
    /// <exception cref="RootBackupException">The backup can't be read or decrypted.</exception>
    public static async Task<RootImportResult> WriteAsync(
        ManagementConnection connection, RegistryOptions options, ReadOnlyMemory<byte> content, RootProtection protection,
        TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(protection);
        using var backup = RootBackupText.Read(content.Span, protection.Keys);
        using var management = new KubernetesClient(connection.Load(time), new KubernetesClientOptions(), time);
        try
        {
            return await WriteAsync(management, options, backup, time, cancellationToken);
        }
        catch (KubernetesApiException exception)
        {
            return new RootImportResult(false, FaultSentences.OfManagementForCommand(exception));
        }
    }

    internal static async Task<RootImportResult> WriteAsync(
        KubernetesClient management, RegistryOptions options, RootBackup backup, TimeProvider time, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            if (await OptimisticWrite.RunAsync(() => TryAsync(management, options, backup, time, cancellationToken)) is { } result)
                return result;
        }

        return new RootImportResult(
            false, $"The Secret {RootAuthority.NextNameOf(options)} was removed while it was imported; import again.");
    }

    /// <summary>Null when the next root was gone again at the end.</summary>
    private static async Task<RootImportResult?> TryAsync(
        KubernetesClient management, RegistryOptions options, RootBackup backup, TimeProvider time, CancellationToken cancellationToken)
    {
        var (name, nextName) = (RootAuthority.NameOf(options), RootAuthority.NextNameOf(options));
        var live = await management.FindAsync(CoreResources.Secrets, name, cancellationToken);
        var liveNext = await management.FindAsync(CoreResources.Secrets, nextName, cancellationToken);
        using var current = AuthoritySecret.TryLoad(live);
        if (Decide(options, backup, current, liveNext, time) is { } decided)
            return decided;
        if (await new RootUses(management, options, time).FindOtherAsync(backup, cancellationToken) is { } use)
            return new RootImportResult(false,
                $"The root CA Secret {name} was not written: {use}, which is not in the backup. Import the backup of that root instead. "
                    + "Clusters with different roots can't share a management cluster.");

        if (backup.Next is { } next)
            await PutAsync(management, nextName, liveNext, next, announced: null, cancellationToken);
        await PutAsync(management, name, live, backup.Current, backup.Next is null ? null : nextName.Name, cancellationToken);
        return backup.Next is null || await IsThereAsync(management, nextName, backup.Next, cancellationToken)
            ? new RootImportResult(true, Explain(name, live, current, backup)) : null;
    }

    /// <summary>The result when nothing is to be written.</summary>
    private static RootImportResult? Decide(
        RegistryOptions options, RootBackup backup, AuthoritySecret? current, Secret? liveNext, TimeProvider time)
    {
        var name = RootAuthority.NameOf(options);
        if (options.RootSource == RootSource.External)
            return new RootImportResult(false, $"The root CA Secret {name} is made outside of this service; restore it there.");
        if ((backup.Next ?? backup.Current).Authority.IsExpired(time))
            return new RootImportResult(false, $"The root CA Secret {name} was not written: the root in the backup has expired.");
        if (current is null)
            return null;
        if (current.Id == backup.Current.Id && (backup.Next is null || IsComplete(current, liveNext, backup.Next)))
            return new RootImportResult(true, $"The root CA Secret {name} holds {current.Describe()} already; nothing was written.");
        return current.Id != backup.Current.Id && current.Authority.IsAnchoredIn(backup.Current.Authority.TrustBundle, time)
            ? new RootImportResult(true,
                $"The root CA Secret {name} holds {current.Describe()}, which has replaced {backup.Current.Describe()} of the backup in a "
                    + "rotation; nothing was written.")
            : null;
    }

    private static bool IsComplete(AuthoritySecret current, Secret? liveNext, AuthoritySecret wanted)
    {
        using var next = AuthoritySecret.TryLoad(liveNext);
        return next?.Id == wanted.Id && current.Annotation(RootAnnotations.NextRoot) is not null;
    }

    private static async Task<bool> IsThereAsync(
        KubernetesClient management, NamespacedName name, AuthoritySecret wanted, CancellationToken cancellationToken)
    {
        using var next = AuthoritySecret.TryLoad(await management.FindAsync(CoreResources.Secrets, name, cancellationToken));
        return next?.Id == wanted.Id;
    }

    private static Task<Secret> PutAsync(
        KubernetesClient management, NamespacedName name, Secret? live, AuthoritySecret root, string? announced,
        CancellationToken cancellationToken)
    {
        var annotations = RootAnnotations.Carried.ToDictionary(key => key, root.Annotation);
        annotations[RootAnnotations.NextRoot] = announced;
        if (live is not null)
            return management.MergePatchAsync(
                CoreResources.Secrets, live, Patch(live, root, annotations), ObjectLabels.FieldManager, cancellationToken);
        var secret = new Secret
        {
            Metadata = new ObjectMeta
            {
                Namespace = name.Namespace,
                Name = name.Name,
                Labels = ObjectLabels.Movable,
                Annotations = annotations.Where(entry => entry.Value is not null).ToDictionary(entry => entry.Key, entry => entry.Value!),
            },
            Type = SecretKeys.TlsType,
            Data = root.Secret.Data,
        };
        return management.CreateAsync(CoreResources.Secrets, secret, ObjectLabels.FieldManager, cancellationToken);
    }

    /// <summary>
    /// Under the version that was read: a root that clusters began to use since is read again before anything is written.
    /// </summary>
    private static JsonObject Patch(Secret live, AuthoritySecret root, Dictionary<string, string?> annotations)
    {
        var data = new JsonObject();
        foreach (var key in live.Data?.Keys ?? [])
            data[key] = null;
        foreach (var (key, value) in root.Secret.Data!)
            data[key] = Convert.ToBase64String(value);
        return new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["labels"] = new JsonObject(
                    ObjectLabels.Movable.Select(label => KeyValuePair.Create<string, JsonNode?>(label.Key, label.Value))),
                ["annotations"] = new JsonObject(
                    annotations.Select(entry => KeyValuePair.Create<string, JsonNode?>(entry.Key, entry.Value))),
            },
            ["data"] = data,
        };
    }

    private static string Explain(NamespacedName name, Secret? live, AuthoritySecret? former, RootBackup backup)
    {
        var what = live is null ? "was created with" : former is null ? "could not be used and was replaced by"
            : former.Id == backup.Current.Id ? "was completed with" : $"held {former.Describe()}, which no cluster needs, and now holds";
        return $"The root CA Secret {name} {what} {backup.Describe()}. "
            + "The service uses it for a cluster at the next try, within 5 minutes.";
    }
}

/// <summary>What became of an import.</summary>
/// <param name="IsDone">Whether the root of the backup, or one that replaced it in a rotation, is in place.</param>
/// <param name="Text">What was done, or why nothing was.</param>
public sealed record RootImportResult(bool IsDone, string Text);
