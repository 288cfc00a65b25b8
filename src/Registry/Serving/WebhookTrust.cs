using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>
/// Keeps the <c>caBundle</c> of the admission webhook at the <c>ca.crt</c> of a Secret, as Cluster API does for ExtensionConfigs: nobody
/// else does it for webhooks. Every replica may, since all write the same.
/// </summary>
public sealed class WebhookTrust : IDisposable
{
    private readonly KubernetesClient _management;
    private readonly NamespacedName _webhook;
    private readonly NamespacedName _authority;

    internal WebhookTrust(KubernetesClient management, WebhookOptions options) => (_management, _webhook, _authority) =
        (management, NamespacedName.Cluster(options.Webhook), options.Authority);

    /// <summary>Creates the client of the management cluster; nothing is called yet.</summary>
    /// <param name="connection">Where the management cluster is.</param>
    /// <param name="options">The webhook and the Secret, validated.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="ManagementConnectionException">The kubeconfig or the pod's service account can't be used.</exception>
    public static WebhookTrust Connect(ManagementConnection connection, WebhookOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return new(new KubernetesClient(connection.Load(time), new KubernetesClientOptions(), time), options);
    }

    /// <summary>Compares the two, and writes the bundle where they differ. Two reads when there is nothing to do.</summary>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>The webhook's name when it was written; null when nothing has changed, or there is nothing to compare.</returns>
    /// <exception cref="ServingAuthorityException">An object can't be read or written, or the Secret holds no certificates.</exception>
    public async Task<string?> EnsureAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await OptimisticWrite.RunAsync(() => TryEnsureAsync(cancellationToken)) ? _webhook.Name : null;
        }
        catch (KubernetesApiException exception)
        {
            throw new ServingAuthorityException(
                $"The caBundle of the MutatingWebhookConfiguration {_webhook.Name} can't be reconciled: {exception.Message}.",
                exception.IsTransient, exception);
        }
        catch (CertificateException exception)
        {
            throw new ServingAuthorityException(
                $"The key {SecretKeys.Authority} of the Secret {_authority} can't be used for the MutatingWebhookConfiguration "
                    + $"{_webhook.Name}: {exception.Message}", false, exception);
        }
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _management.Dispose();

    private async Task<bool> TryEnsureAsync(CancellationToken cancellationToken)
    {
        var secret = await _management.FindAsync(CoreResources.Secrets, _authority, cancellationToken);
        var live = await _management.FindAsync(RegistryResources.MutatingWebhooks, _webhook, cancellationToken);
        if (secret is null || live?.Webhooks is not { Count: > 0 } webhooks)
            return false;
        // Parsed, because the API server refuses anything else in this field with the whole object, and everybody may read it.
        var bundle = TrustBundle.Parse(secret.Value(SecretKeys.Authority).Span);
        if (bundle.Count == 0 || webhooks.All(webhook => Holds(webhook, bundle)))
            return false;
        await _management.ServerSideApplyAsync(
            RegistryResources.MutatingWebhooks, Wanted(live, webhooks, Encoding.ASCII.GetBytes(bundle.ToPem())),
            new ApplyOptions(ObjectLabels.FieldManager, Force: true), cancellationToken);
        return true;
    }

    private static bool Holds(AdmissionWebhook webhook, TrustBundle bundle)
    {
        try
        {
            return TrustBundle.Parse(webhook.ClientConfig?.CaBundle).Equals(bundle);
        }
        catch (CertificateException)
        {
            return false;
        }
    }

    private static MutatingWebhookConfiguration Wanted(
        MutatingWebhookConfiguration live, IReadOnlyList<AdmissionWebhook> webhooks, byte[] pem) => new()
    {
        ApiVersion = RegistryResources.MutatingWebhooks.ApiVersion,
        Kind = RegistryResources.MutatingWebhooks.Kind,
        // With the version that was read, an object that was deleted meanwhile is not made anew.
        Metadata = new ObjectMeta { Name = live.Metadata.Name, ResourceVersion = live.Metadata.ResourceVersion },
        Webhooks = [.. webhooks.Select(webhook => new AdmissionWebhook(webhook.Name, new ExtensionClientConfig { CaBundle = pem }))],
    };
}

/// <summary>The admission webhook whose <c>caBundle</c> this service keeps.</summary>
public sealed record WebhookOptions
{
    /// <summary>The MutatingWebhookConfiguration; empty when somebody else keeps its <c>caBundle</c>.</summary>
    public string Webhook { get; init; } = "";

    /// <summary>The Secret whose <c>ca.crt</c> verifies the serving certificate, as <c>namespace/name</c>.</summary>
    public string CaSecret { get; init; } = "";

    /// <summary>The same, parsed.</summary>
    internal NamespacedName Authority => KubernetesNames.TryParsePair(CaSecret, out var name)
        ? name : throw new InvalidOperationException("The options have not been validated.");

    /// <summary>A problem for every invalid value; empty when all are valid.</summary>
    public IEnumerable<Problem> Validate()
    {
        if (Webhook.Length > 0 && !KubernetesNames.IsSubdomain(Webhook))
            yield return new(nameof(Webhook), $"has the value {FieldText.Quote(Webhook)}; use the name of a MutatingWebhookConfiguration.");
        if (Webhook.Length > 0 != CaSecret.Length > 0)
            yield return new(nameof(CaSecret), "and the name of the webhook need each other; set both or none.");
        else if (Webhook.Length > 0 && !KubernetesNames.TryParsePair(CaSecret, out _))
            yield return new(nameof(CaSecret),
                $"has the value {FieldText.Quote(CaSecret)}; use namespace/name of a Secret.");
    }
}
