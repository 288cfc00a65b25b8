using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Backup;

/// <summary>Reads the root CA of a management cluster into an encrypted backup. Nothing is written to the cluster.</summary>
public static class RootExport
{
    /// <summary>A rotation ends in two writes; whoever reads between them reads again.</summary>
    private const int Tries = 3;

    /// <summary>Reads the root CA, and during a rotation the next one too.</summary>
    /// <param name="connection">Where the management cluster is.</param>
    /// <param name="options">The admin's decisions, validated.</param>
    /// <param name="protection">What encrypts the private keys.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>The backup, or why there is none.</returns>
    /// <exception cref="ManagementConnectionException">The kubeconfig or the pod's service account can't be used.</exception>
    public static async Task<RootExportResult> ReadAsync(
        ManagementConnection connection, RegistryOptions options, RootProtection protection, TimeProvider time,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(protection);
        using var management = new KubernetesClient(connection.Load(time), new KubernetesClientOptions(), time);
        try
        {
            return await ReadAsync(management, options, protection.Keys, cancellationToken);
        }
        catch (KubernetesApiException exception)
        {
            return new RootExportResult(null, FaultSentences.OfManagementForCommand(exception));
        }
        catch (CertificateException exception)
        {
            return new RootExportResult(null, FaultSentences.UnusableRoot(RootAuthority.NameOf(options), exception));
        }
    }

    internal static async Task<RootExportResult> ReadAsync(
        KubernetesClient management, RegistryOptions options, IKeyProtection protection, CancellationToken cancellationToken)
    {
        var name = RootAuthority.NameOf(options);
        if (options.RootSource == RootSource.External)
            return new RootExportResult(null, $"The root CA Secret {name} is made outside of this service; export it there.");
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            if (await management.FindAsync(CoreResources.Secrets, name, cancellationToken) is not { } secret)
                return new RootExportResult(null, $"There is no root CA Secret {name}.");
            using var current = AuthoritySecret.Load(secret);
            if (current.Annotation(RootAnnotations.NextRoot) is null)
                return Write(new RootBackup(current, null), protection);
            using var next = AuthoritySecret.TryLoad(
                await management.FindAsync(CoreResources.Secrets, RootAuthority.NextNameOf(options), cancellationToken));
            if (next is not null && current.IsFollowedBy(next))
                return Write(new RootBackup(current, next), protection);
        }

        return new RootExportResult(
            null, $"The root CA Secret {name} announces a next root, but the Secret {RootAuthority.NextNameOf(options)} is missing or does "
                + "not follow it; finish or give up the rotation first.");
    }

    private static RootExportResult Write(RootBackup backup, IKeyProtection protection) =>
        new(Encoding.UTF8.GetBytes(RootBackupText.Write(backup, protection)), backup.Describe());
}

/// <summary>What became of an export.</summary>
/// <param name="Content">The backup, for a file; null when there is none.</param>
/// <param name="Text">What is in it as the object of a sentence, or why there is none as a sentence.</param>
public sealed record RootExportResult(byte[]? Content, string Text);
