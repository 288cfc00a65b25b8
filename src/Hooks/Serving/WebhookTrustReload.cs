using CapiRegistryHook.Registry.Serving;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>Lets the caBundle of the admission webhook follow the CA of the serving certificate while the service runs.</summary>
internal sealed class WebhookTrustReload(WebhookTrust trust) : IReloadable
{
    public string Name => "The former caBundle of the admission webhook";

    public async Task<string?> ReloadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await trust.EnsureAsync(cancellationToken) is { } written
                ? $"The caBundle of the MutatingWebhookConfiguration {written} was updated" : null;
        }
        catch (ServingAuthorityException exception)
        {
            throw new ServingCertificateException(exception.Message, exception);
        }
    }
}
