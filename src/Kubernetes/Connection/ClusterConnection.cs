using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>Everything it takes to reach one API server and to be sure that it is the right one. Its text form shows the address
/// alone.</summary>
public sealed record ClusterConnection : IDisposable
{
    /// <summary>The server's https address; a path in it is kept in front of every call.</summary>
    public required Uri Server { get; init; }

    /// <summary>The only roots the server may be signed by; null means the system's.</summary>
    public X509Certificate2Collection? CertificateAuthorities { get; init; }

    /// <summary>The client's certificate with its private key, if that is how it identifies itself.</summary>
    public X509Certificate2? ClientCertificate { get; init; }

    /// <summary>Intermediates that are sent after the client's certificate.</summary>
    public X509Certificate2Collection? ClientCertificateChain { get; init; }

    /// <summary>The source of the bearer token, if that is how the client identifies itself.</summary>
    public ICredentialSource? Credentials { get; init; }

    /// <summary>An http, https or socks5 proxy; null connects directly, whatever the environment says.</summary>
    public Uri? Proxy { get; init; }

    /// <summary>Which addresses may be connected to; null for all.</summary>
    public AddressPolicy? Addresses { get; init; }

    /// <summary>The name the server's certificate must have when it is not the host of <see cref="Server"/>.</summary>
    public string? TlsServerName { get; init; }

    /// <summary>The namespace of the kubeconfig's context, if it has one.</summary>
    public string? Namespace { get; init; }

    /// <summary>Frees certificates, keys and the credential source. A client that was made from the connection does this itself.</summary>
    public void Dispose()
    {
        ClientCertificate?.Dispose();
        Credentials?.Dispose();
        foreach (var certificate in (IEnumerable<X509Certificate2>)[.. CertificateAuthorities ?? [], .. ClientCertificateChain ?? []])
            certificate.Dispose();
    }

    /// <summary>The server's address, without anything secret.</summary>
    /// <returns>The text for logs and messages.</returns>
    public override string ToString() => $"cluster at {Server.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped)}";
}
