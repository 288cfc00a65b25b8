using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// Whose certificates callers of the hooks have to show. The file is read again while the process runs, so that the authority
/// can be replaced without a moment in which Cluster API can't call. A file that can't be used is left aside and the former
/// authority stays: to let everybody in instead would be worse than to let nobody in.
/// </summary>
internal sealed partial class ClientAuthority(ListenOptions options, TimeProvider time, ILogger<ClientAuthority> logger) : BackgroundService
{
    /// <summary>The kubelet takes up to a minute to bring a new Secret into a pod; ten seconds more do not matter.</summary>
    public static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(10);

    /// <summary>No real bundle comes near; a Secret can't hold more.</summary>
    private const int MostBytes = 1024 * 1024;

    private volatile ClientTrust? _current;
    private string? _complaint;

    /// <summary>False when the hooks are open to whoever reaches the port.</summary>
    public bool IsRequired => options.ClientCaFile is not null;

    /// <summary>What callers are judged by now; only where <see cref="IsRequired"/>.</summary>
    public ClientTrust Current => _current!;

    /// <summary>Reads the file for the first time, if there is to be one.</summary>
    /// <exception cref="ClientAuthorityException">It can't be read or holds no certificate.</exception>
    public void Load() => _current = options.ClientCaFile is { } file ? Read(file) : null;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.ClientCaFile is not { } file)
            return;
        using var timer = new PeriodicTimer(CheckInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                Reload(file);
        }
        catch (OperationCanceledException)
        {
            // The host stops; also when it could not start, and then it would log this as a fault of its own.
        }
    }

    private void Reload(string file)
    {
        try
        {
            var trust = Read(file);
            _complaint = null;
            if (trust.Fingerprint == Current.Fingerprint)
                return;
            _current = trust;
            LogReloaded(file, trust.Count);
        }
        catch (ClientAuthorityException exception)
        {
            if (_complaint != exception.Message)
                LogKept(exception.Message);
            _complaint = exception.Message;
        }
    }

    private static ClientTrust Read(string file)
    {
        try
        {
            if (new FileInfo(file).Length > MostBytes)
                throw Unusable(file, null);
            var pem = File.ReadAllText(file);
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(pem);
            return certificates.Count > 0
                ? new ClientTrust(certificates, Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(pem))))
                : throw Unusable(file, null);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw Unusable(file, exception);
        }
    }

    private static ClientAuthorityException Unusable(string file, Exception? cause) =>
        new($"The authority of callers can't be used: {file} must hold one or more certificates as PEM, in at most 1 MiB.", cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "The authority of callers was read again from {File}: {Count} certificates")]
    private partial void LogReloaded(string file, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The former authority of callers stays. {Reason}")]
    private partial void LogKept(string reason);
}

/// <summary>The file with the authority of callers can't be used; the message names it.</summary>
internal sealed class ClientAuthorityException(string message, Exception? cause) : Exception(message, cause);
