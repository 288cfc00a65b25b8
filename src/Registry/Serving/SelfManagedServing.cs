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
/// Makes the service's own serving certificates. The authority lies in a Secret that all replicas share; each replica issues its own
/// certificate, whose key
/// stays in its memory. Every step may be made by any replica at any time, and each leaves a state in which every client that trusts what
/// is published, or
/// what was published before, can verify every replica.
/// </summary>
public sealed class SelfManagedServing : IDisposable
{
    private readonly KubernetesClient _management;
    private readonly ServingAuthoritySecret _authority;
    private readonly PublicSecret _published;
    private readonly ExtensionTrust _clients;
    private readonly ServerCertificateRequest _request;
    private readonly TimeProvider _time;

    internal SelfManagedServing(KubernetesClient management, RegistryOptions registry, ServingOptions serving, TimeProvider time)
    {
        var algorithm = CertificateAlgorithms.Parse(registry.KeyAlgorithm);
        _management = management;
        _authority = new ServingAuthoritySecret(
            management, new NamespacedName(registry.HookNamespace, serving.AuthoritySecretName), algorithm, time);
        _published = new PublicSecret(management, new NamespacedName(registry.HookNamespace, serving.PublicSecretName), time);
        _clients = new ExtensionTrust(management, serving.ExtensionConfig, time);
        _request = serving.ToRequest(algorithm);
        _time = time;
    }

    /// <summary>Makes the client of the management cluster; nothing is called yet.</summary>
    /// <param name="connection">Where the management cluster is.</param>
    /// <param name="registry">The admin's decisions, validated.</param>
    /// <param name="serving">What the certificate is for and where its authority lies, validated.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="ManagementConnectionException">The kubeconfig or the pod's service account can't be used.</exception>
    public static SelfManagedServing Connect(
        ManagementConnection connection, RegistryOptions registry, ServingOptions serving, TimeProvider time) =>
        new(new KubernetesClient(connection.Load(time), new KubernetesClientOptions(), time), registry, serving, time);

    /// <summary>
    /// Makes the Secrets as they should be, takes the next step of a replacement of the authority if it is time, and decides what to
    /// serve. Two reads when
    /// there is nothing to do.
    /// </summary>
    /// <param name="shown">What is served now; null at the start.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns><paramref name="shown"/> itself when it stays, otherwise a new one; the caller disposes both.</returns>
    /// <exception cref="ServingAuthorityException">It can't be done now; what is served may stay.</exception>
    public async Task<IssuedServingCertificate> RefreshAsync(IssuedServingCertificate? shown, CancellationToken cancellationToken)
    {
        try
        {
            return await OptimisticWrite.RunAsync(() => StepAsync(shown, cancellationToken));
        }
        catch (KubernetesApiException exception)
        {
            throw new ServingAuthorityException(
                $"The serving certificate can't be looked after: {exception.Message}.", exception.IsTransient, exception);
        }
        catch (CertificateException exception) when (exception.Fault == CertificateFault.IssuerExpired)
        {
            throw new ServingAuthorityException(
                "The authority of the serving certificate is not valid now: compare the clocks of the nodes.", true, exception);
        }
        catch (CertificateException exception)
        {
            throw new ServingAuthorityException(
                $"The Secret with the authority of the serving certificate can't be used: {exception.Message} Restore it, or delete "
                    + "it to have a new one made.", false, exception);
        }
    }

    /// <summary>Ends the connections.</summary>
    public void Dispose() => _management.Dispose();

    /// <summary>A renewal comes first: it needs nothing but the authority that has signed before, whatever hinders the rest.</summary>
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

    /// <summary>In this order: nothing is signed by what is not published before.</summary>
    private async Task<IssuedServingCertificate> PublishAsync(
        IssuedServingCertificate? shown, ServingAuthority authority, CancellationToken cancellationToken)
    {
        await _published.EnsureAsync(authority.Anchors, cancellationToken);
        if (authority.Next is null || !await MaySwitchAsync(authority, cancellationToken))
            return await ChooseAsync(shown, authority.Signer, cancellationToken);
        using var switched = await _authority.SwitchAsync(authority, cancellationToken);
        return await ChooseAsync(shown, switched.Signer, cancellationToken);
    }

    /// <summary>An authority that has ended can't sign, and waiting would not bring it back.</summary>
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
