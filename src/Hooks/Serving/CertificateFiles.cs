using CapiRegistryHook.Registry.Serving;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>The serving certificate in files, which cert-manager and the kubelet replace while the process runs.</summary>
internal sealed class CertificateFiles(ListenOptions options) : ICertificateSource
{
    public Task<CertificatePem> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return Task.FromResult(new CertificatePem(File.ReadAllText(options.CertificateFile), File.ReadAllBytes(options.KeyFile)));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ServingCertificateException(
                $"The serving certificate can't be read from {options.CertificateFile} and {options.KeyFile}.", exception);
        }
    }
}
