using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>
/// Issues the service's own serving certificates. All replicas share one authority, stored in a Secret; each replica issues its own
/// certificate, whose key never leaves its memory. Any replica may take any step at any time. After each step, clients that trust the
/// published bundle, or the one published before it, can verify every replica.
/// </summary>
public sealed class SelfManagedServing : IDisposable
{
    private readonly KubernetesClient _management;
    private readonly ServingAuthorityRotation _authority;
    private readonly PublicSecret _published;
    private readonly CallerTrust _clients;
    private readonly ServerCertificateRequest _request;
    private readonly TimeProvider _time;

    internal SelfManagedServing(KubernetesClient management, RegistryOptions registry, ServingOptions serving, TimeProvider time)
    {
        var algorithm = CertificateAlgorithms.Parse(registry.KeyAlgorithm);
        _management = management;
        _authority = new ServingAuthorityRotation(
            management, new NamespacedName(registry.HookNamespace, serving.AuthoritySecretName), algorithm, time);
        _published = new PublicSecret(management, new NamespacedName(registry.HookNamespace, serving.PublicSecretName), time);
        _clients = new CallerTrust(management, serving.ExtensionConfig, serving.Webhook, time);
        _request = serving.ToRequest(algorithm);
        _time = time;
    }

    /// <summary>Creates the client of the management cluster; nothing is called yet.</summary>
    /// <param name="connection">Where the management cluster is.</param>
    /// <param name="registry">The admin's decisions, validated.</param>
    /// <param name="serving">The names in the certificate and the Secrets of its authority, validated.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="ManagementConnectionException">The kubeconfig or the pod's service account can't be used.</exception>
    public static SelfManagedServing Connect(
        ManagementConnection connection, RegistryOptions registry, ServingOptions serving, TimeProvider time) =>
        new(new KubernetesClient(connection.Load(time), new KubernetesClientOptions(), time), registry, serving, time);

    /// <summary>
    /// Reconciles the Secrets, takes the next step of a rotation if one is due, and decides what to serve. Two reads when there is
    /// nothing to do.
    /// </summary>
    /// <param name="shown">What is served now; null at the start.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns><paramref name="shown"/> itself when it stays, otherwise a new certificate; the caller disposes both.</returns>
    /// <exception cref="ServingAuthorityException">It failed; the certificate that is served may stay.</exception>
    public async Task<IssuedServingCertificate> RefreshAsync(IssuedServingCertificate? shown, CancellationToken cancellationToken)
    {
        try
        {
            return await OptimisticWrite.RunAsync(() => StepAsync(shown, cancellationToken));
        }
        catch (KubernetesApiException exception)
        {
            throw new ServingAuthorityException(
                $"The serving certificate can't be reconciled: {exception.Message}.", exception.IsTransient, exception);
        }
        catch (CertificateException exception) when (exception.Fault == CertificateFault.IssuerExpired)
        {
            throw new ServingAuthorityException(
                "The authority of the serving certificate is not valid now; compare the clocks of the nodes.", true, exception);
        }
        catch (CertificateException exception)
        {
            throw new ServingAuthorityException(
                $"The Secret with the authority of the serving certificate can't be used: {exception.Message} Restore it, or delete "
                    + "it to create a new authority.", false, exception);
        }
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _management.Dispose();

    /// <summary>A renewal comes first: it needs only the current authority, whatever stops the other steps.</summary>
    private async Task<IssuedServingCertificate> StepAsync(IssuedServingCertificate? shown, CancellationToken cancellationToken)
    {
        using var authority = await _authority.EnsureAsync(cancellationToken);
        if (shown is not null && ReasonToReissue(shown, authority.Signer) == ReissueReason.Due)
            return Issue(authority.Signer);
        if (!_authority.IsSuccessorDue(authority))
            return await PublishAsync(shown, authority, cancellationToken);
        using var prepared = await _authority.PrepareAsync(authority, cancellationToken);
        return await PublishAsync(shown, prepared, cancellationToken);
    }

    /// <summary>In this order, since an authority signs only after it was published.</summary>
    private async Task<IssuedServingCertificate> PublishAsync(
        IssuedServingCertificate? shown, ServingAuthority authority, CancellationToken cancellationToken)
    {
        await _published.EnsureAsync(authority.Anchors, cancellationToken);
        if (authority.Next is null || !await MaySwitchAsync(authority, cancellationToken))
            return await ChooseAsync(shown, authority.Signer, cancellationToken);
        using var switched = await _authority.SwitchAsync(authority, cancellationToken);
        return await ChooseAsync(shown, switched.Signer, cancellationToken);
    }

    /// <summary>An expired authority can't sign, so there is nothing to wait for.</summary>
    private async Task<bool> MaySwitchAsync(ServingAuthority authority, CancellationToken cancellationToken) =>
        authority.Signer.IsExpired(_time) || await _clients.HoldsAsync(authority.Next!, cancellationToken);

    private async Task<IssuedServingCertificate> ChooseAsync(
        IssuedServingCertificate? shown, CertificateAuthority signer, CancellationToken cancellationToken)
    {
        if (shown is null)
            return Issue(signer);
        return ReasonToReissue(shown, signer) switch
        {
            ReissueReason.None => shown,
            ReissueReason.IssuerChanged when MayStay(shown) && !await _clients.AcceptsAsync(signer, cancellationToken) => shown,
            _ => Issue(signer),
        };
    }

    /// <summary>
    /// Whether the certificate is still usable although its authority was lost and recreated: it is served until clients trust the new
    /// authority, for as long as possible.
    /// </summary>
    private bool MayStay(IssuedServingCertificate shown) => ReasonToReissue(shown, null) == ReissueReason.None;

    private ReissueReason ReasonToReissue(IssuedServingCertificate shown, CertificateAuthority? signer) =>
        ReissuePolicy.Evaluate(Encoding.ASCII.GetBytes(shown.CertificatePem), shown.PrivateKeyPem.Span, _request, signer, _time).Reason;

    private IssuedServingCertificate Issue(CertificateAuthority signer) => new(signer.Issue(_request, _time));
}
