using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// Requests a rotation of the root by an annotation on its Secret; the leader rotates. A second request before the rotation has finished
/// changes nothing.
/// </summary>
public static class RotationRequest
{
    /// <summary>Writes the request.</summary>
    /// <param name="connection">Where the management cluster is.</param>
    /// <param name="options">The admin's decisions, validated.</param>
    /// <param name="isCompromised">Whether the key of the current root may have leaked.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>Whether a rotation runs or will, and what happens next or why nothing was written, as text for people.</returns>
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
            return new RotationAnswer(false, FaultSentences.OfManagementForCommand(exception));
        }
    }

    internal static async Task<RotationAnswer> PlaceAsync(
        KubernetesClient management, RegistryOptions options, bool isCompromised, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var name = RootAuthority.NameOf(options);
        if (await management.FindAsync(CoreResources.Secrets, name, cancellationToken) is not { } secret)
            return new RotationAnswer(false, $"There is no root CA Secret {name} yet; nothing was written.");
        using var current = AuthoritySecret.TryLoad(secret);
        if (current is null)
            return new RotationAnswer(
                false, $"The root CA Secret {name} can't be used; repair it, or {FaultSentences.RestoreRoot}. Nothing was written.");
        if (options.RootSource == RootSource.External)
            return new RotationAnswer(false,
                $"The root CA Secret {name} is managed outside this service; replace it there, and clusters follow. Nothing was written.");
        if (RotationTrigger.Obstacle(current) is { } obstacle)
            return new RotationAnswer(false, $"The root CA Secret {name} can't be rotated here. {obstacle} Nothing was written.");
        if (IsPending(current) && (!isCompromised || current.IsCompromised))
            return new RotationAnswer(true, $"A rotation of {current.Describe()} is already pending; nothing was written.");

        await AnnotateAsync(management, current, isCompromised, now, cancellationToken);
        return new RotationAnswer(true, Explain(options, current, isCompromised));
    }

    private static bool IsPending(AuthoritySecret current) =>
        current.Annotation(RootAnnotations.NextRoot) is not null || current.IsRotationRequested;

    private static Task<Secret> AnnotateAsync(
        KubernetesClient management, AuthoritySecret current, bool isCompromised, DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        var annotations = new JsonObject();
        if (isCompromised)
            annotations[RootAnnotations.Compromised] = current.CompromisedWithThis;
        if (!IsPending(current))
            annotations[AuthoritySecret.RotateAnnotation] = KubernetesTime.Format(now);
        return current.PatchAsync(management, annotations, null, cancellationToken);
    }

    private static string Explain(RegistryOptions options, AuthoritySecret current, bool isCompromised) => $"""
        A rotation of {current.Describe()} was requested. The service will:
        1. Create a new root in the Secret {RootAuthority.NextNameOf(options)} and add it to the CA Secret of every cluster.
        2. Issue each registry a certificate from it. {(current.Authority.MayCrossCertificate
            ? "A cross-certificate is served with it, so existing nodes accept it: no node is replaced, and no pull fails."
            : "The root allows no cross-certificate, so a cluster keeps its certificate until all its Machines are younger than the "
                + "new root in its CA Secret.")}
        3. Replace the former root and delete its key, once all clusters serve such a certificate.
        4. {(isCompromised
            ? "Remove the compromised root from the CA Secret of a cluster as soon as the new certificate is served. Existing Machines "
                + "still trust it: replace them. The service reports them until they are gone."
            : "Remove the former root from the CA Secret of a cluster once all its Machines and MachinePools are younger "
                + "than the new root in it.")}
        """;
}

/// <summary>The answer to a request for a rotation.</summary>
/// <param name="IsPlaced">Whether a rotation runs or will.</param>
/// <param name="Text">What happens next, or why nothing was written.</param>
public sealed record RotationAnswer(bool IsPlaced, string Text);
