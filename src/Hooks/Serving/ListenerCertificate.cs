using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// The certificate that the listener shows. It is looked for again while the process runs: it gets renewed, and a restart would be a
/// moment in which Cluster API can't call. What can't be used is left aside and the former certificate stays.
/// </summary>
internal sealed partial class ListenerCertificate(
    ICertificateSource source, TimeProvider time, ILogger<ListenerCertificate> logger) : BackgroundService
{
    /// <summary>The kubelet takes up to a minute to bring a new Secret into a pod; ten seconds more do not matter.</summary>
    public static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(10);

    private volatile Loaded? _current;
    private string? _complaint;

    /// <summary>True when the certificate shown is valid now.</summary>
    public bool IsValid => _current is { } loaded && loaded.NotBefore <= time.GetUtcNow() && time.GetUtcNow() < loaded.NotAfter;

    /// <summary>When the certificate shown ends.</summary>
    public DateTimeOffset NotAfter => _current!.NotAfter;

    /// <summary>TLS 1.2 and later; the certificate is looked up for each handshake.</summary>
    public SslServerAuthenticationOptions ForHandshake() => _current!.Options;

    /// <summary>Gets the first certificate.</summary>
    /// <exception cref="ServingCertificateException">It can't be had, or does not fit its key.</exception>
    public async Task LoadAsync(CancellationToken cancellationToken) => _current = Create(await source.ReadAsync(cancellationToken));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(CheckInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await ReloadAsync(stoppingToken);
        }
        catch (OperationCanceledException)
        {
            // The host stops; also when it could not start, and then it would log this as a fault of its own.
        }
    }

    private async Task ReloadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var pem = await source.ReadAsync(cancellationToken);
            if (FingerprintOf(pem) != _current!.Fingerprint)
            {
                var loaded = Create(pem);
                _current = loaded;
                LogReloaded(loaded.Serial, loaded.NotAfter);
            }

            _complaint = null;
        }
        catch (ServingCertificateException exception)
        {
            if (_complaint != exception.Message)
                LogKept(exception.Message);
            _complaint = exception.Message;
        }
    }

    private static Loaded Create(CertificatePem pem)
    {
        var key = new char[Encoding.UTF8.GetMaxCharCount(pem.Key.Length)];
        try
        {
            var length = Encoding.UTF8.GetChars(pem.Key.Span, key);
            var certificate = X509Certificate2.CreateFromPem(pem.Certificate, key.AsSpan(0, length));
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(pem.Certificate);
            var context = SslStreamCertificateContext.Create(certificate, chain, offline: true);
            var serverOptions = new SslServerAuthenticationOptions
            {
                ServerCertificateContext = context,
                EnabledSslProtocols = System.Security.Authentication.SslProtocols.Tls12 | System.Security.Authentication.SslProtocols.Tls13,
            };
            return new Loaded(serverOptions, FingerprintOf(pem), certificate.SerialNumber, certificate.NotBefore, certificate.NotAfter);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new ServingCertificateException(
                "The serving certificate can't be used: a certificate and the key that belongs to it are needed, as PEM.", exception);
        }
        finally
        {
            Array.Clear(key);
        }
    }

    private static string FingerprintOf(CertificatePem pem)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(pem.Certificate));
        hash.AppendData(pem.Key.Span);
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private sealed record Loaded(
        SslServerAuthenticationOptions Options, string Fingerprint, string Serial, DateTimeOffset NotBefore, DateTimeOffset NotAfter);

    [LoggerMessage(Level = LogLevel.Information, Message = "The serving certificate was reloaded: serial {Serial}, until {NotAfter}")]
    private partial void LogReloaded(string serial, DateTimeOffset notAfter);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The former serving certificate stays. {Reason}")]
    private partial void LogKept(string reason);
}
