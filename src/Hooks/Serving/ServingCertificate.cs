using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// The certificate that the listener shows. The files are read again while the process runs: cert-manager and the kubelet
/// replace them, and a restart would be a moment in which Cluster API can't call. Files that can't be used are left aside
/// and the former certificate stays.
/// </summary>
internal sealed partial class ServingCertificate(ListenOptions options, TimeProvider time, ILogger<ServingCertificate> logger) : BackgroundService
{
    /// <summary>The kubelet takes up to a minute to bring a new Secret into a pod; ten seconds more do not matter.</summary>
    public static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(10);

    private volatile Loaded? _current;

    /// <summary>True when the certificate shown is valid now.</summary>
    public bool IsValid => _current is { } loaded && loaded.NotBefore <= time.GetUtcNow() && time.GetUtcNow() < loaded.NotAfter;

    /// <summary>When the certificate shown ends.</summary>
    public DateTimeOffset NotAfter => _current!.NotAfter;

    /// <summary>TLS 1.2 and later; the certificate is looked up for each handshake.</summary>
    public SslServerAuthenticationOptions ForHandshake() => _current!.Options;

    /// <summary>Reads the files for the first time.</summary>
    /// <exception cref="ServingCertificateException">They can't be read or do not fit together.</exception>
    public void Load() => _current = Read();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(CheckInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                Reload();
        }
        catch (OperationCanceledException)
        {
            // The host stops; also when it could not start, and then it would log this as a fault of its own.
        }
    }

    private void Reload()
    {
        try
        {
            var loaded = Read();
            if (loaded.Fingerprint == _current!.Fingerprint)
                return;
            _current = loaded;
            LogReloaded(loaded.Serial, loaded.NotAfter);
        }
        catch (ServingCertificateException exception)
        {
            LogKept(exception.Message);
        }
    }

    private Loaded Read()
    {
        try
        {
            var certificatePem = File.ReadAllText(options.CertificateFile);
            var keyPem = File.ReadAllText(options.KeyFile);
            var certificate = X509Certificate2.CreateFromPem(certificatePem, keyPem);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(certificatePem);
            var context = SslStreamCertificateContext.Create(certificate, chain, offline: true);
            var serverOptions = new SslServerAuthenticationOptions
            {
                ServerCertificateContext = context,
                EnabledSslProtocols = System.Security.Authentication.SslProtocols.Tls12 | System.Security.Authentication.SslProtocols.Tls13,
            };
            var fingerprint = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(certificatePem + keyPem)));
            return new Loaded(serverOptions, fingerprint, certificate.SerialNumber, certificate.NotBefore, certificate.NotAfter);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new ServingCertificateException(
                $"The serving certificate can't be used: {options.CertificateFile} and {options.KeyFile} must hold a certificate and its key as PEM.", exception);
        }
    }

    private sealed record Loaded(
        SslServerAuthenticationOptions Options, string Fingerprint, string Serial, DateTimeOffset NotBefore, DateTimeOffset NotAfter);

    [LoggerMessage(Level = LogLevel.Information, Message = "The serving certificate was reloaded: serial {Serial}, until {NotAfter}")]
    private partial void LogReloaded(string serial, DateTimeOffset notAfter);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The former serving certificate stays. {Reason}")]
    private partial void LogKept(string reason);
}

/// <summary>The files of the serving certificate can't be used; the message names them.</summary>
internal sealed class ServingCertificateException(string message, Exception cause) : Exception(message, cause);
