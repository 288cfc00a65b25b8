using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Registries;

/// <summary>The registries that references name, with the logins that people have. Safe for several callers; it frees what it
/// opened.</summary>
public sealed class UpstreamRegistries : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<RegistryClient>> _clients = new(StringComparer.OrdinalIgnoreCase);
    private readonly IRegistryLogins _logins;
    private readonly TimeProvider _time;

    /// <summary>Registries; nothing is called yet.</summary>
    /// <param name="logins">Where logins come from.</param>
    /// <param name="caPem">Authorities that are trusted besides those of this machine; null for none.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="ContentException">The PEM holds no certificate.</exception>
    public UpstreamRegistries(IRegistryLogins logins, string? caPem, TimeProvider time)
    {
        (_logins, _time) = (logins, time);
        Handler = RegistryTransport.Create(caPem is null ? null : WithMachine(caPem));
    }

    /// <summary>The connections, for what else lies on such hosts.</summary>
    public SocketsHttpHandler Handler { get; }

    /// <summary>How the host of a registry or of a chart repository is called.</summary>
    public RegistryOptions OptionsOf(string host) => new() { Logins = _logins, LoginName = host, Time = _time };

    /// <summary>The registry of a reference.</summary>
    /// <param name="registry">Its host as in <see cref="Reference.Registry"/>.</param>
    public RegistryClient Find(string registry) => _clients.GetOrAdd(registry, name => new Lazy<RegistryClient>(() =>
        new RegistryClient(Handler, RegistryTransport.AddressOf(name), OptionsOf(name)))).Value;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var client in _clients.Values)
            client.Value.Dispose();
        Handler.Dispose();
    }

    // A list of images usually has public registries beside the private one.
    private static string WithMachine(string caPem)
    {
        var all = new X509Certificate2Collection();
        try
        {
            all.ImportFromPem(caPem);
        }
        catch (CryptographicException exception)
        {
            throw new ContentException("The trusted authorities are not certificates in PEM.", exception);
        }

        if (all.Count == 0)
            throw new ContentException("The PEM of trusted authorities holds no certificate.");
        using var store = new X509Store(StoreName.Root, StoreLocation.LocalMachine, OpenFlags.ReadOnly);
        all.AddRange(store.Certificates);
        return all.ExportCertificatePems();
    }
}
