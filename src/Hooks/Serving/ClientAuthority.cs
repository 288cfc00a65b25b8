using CapiRegistryHook.Registry.Serving;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// The CAs that issue the certificates of callers. The file is read again while the process runs, so that a CA can be replaced without
/// interrupting Cluster API. When the file can't be used, the former CAs stay: to let everybody in would be worse than to let nobody in.
/// </summary>
internal sealed class ClientAuthority(ListenOptions options) : IReloadable
{
    /// <summary>No real bundle comes near; a Secret can't hold more.</summary>
    private const int MostBytes = 1024 * 1024;

    private volatile ClientTrust? _current;

    public string Name => "The former CA of callers";

    /// <summary>False when the hooks are open to everybody who reaches the port.</summary>
    public bool IsRequired => options.ClientCaFile is not null;

    /// <summary>What callers are verified with; only where <see cref="IsRequired"/>.</summary>
    public ClientTrust Current => _current!;

    /// <summary>Reads the file for the first time, if there is to be one.</summary>
    /// <exception cref="ClientAuthorityException">It can't be read or holds no certificate.</exception>
    public void Load() => _current = options.ClientCaFile is { } file ? Read(file) : null;

    public Task<string?> ReloadAsync(CancellationToken cancellationToken) => Task.FromResult(Reload());

    private string? Reload()
    {
        if (options.ClientCaFile is not { } file || Read(file) is not { } trust || trust.Fingerprint == Current.Fingerprint)
            return null;
        _current = trust;
        return $"The CA of callers was reloaded from {file}; number of certificates: {trust.Count}";
    }

    private static ClientTrust Read(string file)
    {
        try
        {
            return new FileInfo(file).Length <= MostBytes && ClientTrust.TryParse(File.ReadAllText(file)) is { } trust
                ? trust : throw Unusable(file, null);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unusable(file, exception);
        }
    }

    private static ClientAuthorityException Unusable(string file, Exception? cause) =>
        new($"The CA of callers can't be used: {file} must hold one or more certificates as PEM, in at most 1 MiB.", cause);
}

/// <summary>The file with the CA of callers can't be used; the message names it.</summary>
internal sealed class ClientAuthorityException(string message, Exception? cause) : Exception(message, cause);
