using CapiRegistryHook.Registry.Serving;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// The serving certificate that this process issues to itself. At the start it waits a while for the API server: pods of a cluster that
/// comes up do so together.
/// </summary>
internal sealed partial class SelfManagedCertificate(
    SelfManagedServing serving, TimeProvider time, ILogger<SelfManagedCertificate> logger) : ICertificateSource, IDisposable
{
    /// <summary>Less than the minute after which the chart's startup probe gives up, so that the log can say why.</summary>
    public static readonly TimeSpan LongestStart = TimeSpan.FromSeconds(45);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private IssuedServingCertificate? _leaf;

    public async Task<CertificatePem> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var leaf = _leaf is null ? await StartAsync(cancellationToken) : await serving.RefreshAsync(_leaf, cancellationToken);
            if (!ReferenceEquals(leaf, _leaf))
                _leaf?.Dispose();
            _leaf = leaf;
            return new CertificatePem(leaf.CertificatePem, leaf.PrivateKeyPem);
        }
        catch (ServingAuthorityException exception)
        {
            throw new ServingCertificateException(exception.Message, exception);
        }
    }

    public void Dispose() => _leaf?.Dispose();

    private async Task<IssuedServingCertificate> StartAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await serving.RefreshAsync(null, cancellationToken);
            }
            catch (ServingAuthorityException exception) when (exception.IsTransient && time.GetElapsedTime(started) < LongestStart)
            {
                if (attempt == 1)
                    LogWaiting(exception.Message);
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Waiting for the first serving certificate. {Reason}")]
    private partial void LogWaiting(string reason);
}
