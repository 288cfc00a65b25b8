namespace CapiRegistryHook.Harness;

/// <summary>An API server that a test or the demo talks to, with a cluster admin's way in. Disposing it ends it.</summary>
public interface IApiServer : IAsyncDisposable
{
    /// <summary>The cluster's name, also the context name in <see cref="Kubeconfig"/>.</summary>
    string Name { get; }

    /// <summary>Where it listens: <c>https://127.0.0.1:port</c>.</summary>
    Uri Address { get; }

    /// <summary>The only root its server certificate is to be verified against.</summary>
    string CertificateAuthorityPem { get; }

    /// <summary>A cluster admin's bearer token.</summary>
    string Token { get; }

    /// <summary>A kubeconfig with inline data and a current context.</summary>
    string Kubeconfig { get; }
}
