using System.Globalization;
using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// Asks for a rotation of the root by an annotation on its Secret; the replica that leads does the work. Asking twice before it is done
/// asks once.
/// </summary>
public static class RotationRequest
{
    /// <summary>Places the order.</summary>
    /// <param name="connection">Where the management cluster is.</param>
    /// <param name="options">The admin's decisions, validated.</param>
    /// <param name="isCompromised">Whether somebody else may have the key of the current root.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>Whether it was placed, and what happens next or why it was not, as text for people.</returns>
    /// <exception cref="ManagementConnectionException">The kubeconfig or the pod's service account can't be used.</exception>
    public static async Task<RotationAnswer> PlaceAsync(
        ManagementConnection connection, RegistryOptions options, bool isCompromised, TimeProvider time,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        using var management = new KubernetesClient(connection.Load(time), new KubernetesClientOptions(), time);
        try
        {
            return await PlaceAsync(management, options, isCompromised, time.GetUtcNow(), cancellationToken);
        }
        catch (KubernetesApiException exception)
        {
            return new RotationAnswer(false, FaultSentences.OfManagement(exception).Reason);
        }
    }

    internal static async Task<RotationAnswer> PlaceAsync(
        KubernetesClient management, RegistryOptions options, bool isCompromised, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var name = RootAuthority.NameOf(options);
        if (await management.FindAsync(CoreResources.Secrets, name, cancellationToken) is not { } secret)
            return new RotationAnswer(false, $"There is no root CA Secret {name} yet; nothing was written.");
        using var current = RootSecret.TryLoad(secret);
        if (current is null)
            return new RotationAnswer(
                false, $"The root CA Secret {name} can't be used; repair it or restore it from a backup. Nothing was written.");
        if (options.RootSource == RootSource.External)
            return new RotationAnswer(false,
                $"The root CA Secret {name} is made outside of this service; replace it there, and clusters follow. Nothing was written.");
        if (RotationTrigger.Obstacle(current) is { } obstacle)
            return new RotationAnswer(false, $"The root CA Secret {name} can't be rotated here. {obstacle} Nothing was written.");
        if (IsOnItsWay(current) && (!isCompromised || current.IsCompromised))
            return new RotationAnswer(true, $"A rotation of {Describe(current)} is on its way already; nothing was written.");

        await AnnotateAsync(management, current, isCompromised, now, cancellationToken);
        return new RotationAnswer(true, Explain(options, current, isCompromised));
    }

    private static bool IsOnItsWay(RootSecret current) =>
        current.Annotation(RootAnnotations.NextRoot) is not null
        || (current.Annotation(RootAnnotations.RotateRoot) is { } request && request != current.Annotation(RootAnnotations.RotatedFor));

    private static Task<Secret> AnnotateAsync(
        KubernetesClient management, RootSecret current, bool isCompromised, DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        var annotations = new JsonObject();
        if (isCompromised)
            annotations[RootAnnotations.Compromised] = current.CompromisedWithThis;
        if (!IsOnItsWay(current))
            annotations[RootAnnotations.RotateRoot] = KubernetesTime.Format(now);
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = annotations } };
        return management.MergePatchAsync(CoreResources.Secrets, current.Secret, patch, ObjectLabels.FieldManager, cancellationToken);
    }

    private static string Explain(RegistryOptions options, RootSecret current, bool isCompromised) => $"""
        A rotation of {Describe(current)} was asked for. What happens, by itself:
        1. A new root is made in the Secret {RootAuthority.NextNameOf(options)} and joins the CA Secret of every cluster.
        2. Each cluster's registry gets a certificate from it. {(current.Authority.MayCrossCertificate
            ? "A cross-certificate goes with it, so that the nodes of today accept it: no node is replaced for this, and no pull fails."
            : "The root allows no cross-certificate: a cluster keeps its certificate until all its Machines are younger than the "
                + "arrival of the new root.")}
        3. When all clusters serve such a certificate, the new root takes the place of the former one, whose key is deleted.
        4. {(isCompromised
            ? "The compromised root leaves the CA Secret of a cluster as soon as the new certificate is served. Machines made before "
                + "go on trusting it: replace them. The service names them until they are gone."
            : "The former root leaves the CA Secret of a cluster when all its Machines and MachinePools are younger than the arrival "
                + "of the new one.")}
        """;

    private static string Describe(RootSecret current) =>
        $"root {current.Id} (generation {current.Generation}, until "
            + $"{current.Authority.NotAfter.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)})";
}

/// <summary>What became of an order.</summary>
/// <param name="IsPlaced">Whether a rotation runs or will.</param>
/// <param name="Text">What happens next, or why nothing was written.</param>
public sealed record RotationAnswer(bool IsPlaced, string Text);
