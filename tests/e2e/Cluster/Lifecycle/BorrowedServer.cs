using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;

/// <summary>An API server that others go on using: disposing the borrower leaves it alone.</summary>
internal sealed class BorrowedServer(IApiServer lender) : IApiServer
{
    public string Name => lender.Name;

    public Uri Address => lender.Address;

    public string CertificateAuthorityPem => lender.CertificateAuthorityPem;

    public string Token => lender.Token;

    public string Kubeconfig => lender.Kubeconfig;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
