using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.Unit.Tests.Harness.Cluster;

public sealed class ClusterAccessTests
{
    [Fact]
    public void Read_KubeconfigWithToken_IsWhatWasWritten()
    {
        var access = ClusterAccess.Read(KubeconfigText.Write("one", new Uri("https://10.0.0.1:6443"), "PEM\n", "secret"));

        Assert.Equal(new ClusterAccess(new Uri("https://10.0.0.1:6443"), "PEM\n", "secret"), access);
    }

    [Fact]
    public void Read_KubeconfigWithClientCertificate_HasNoToken()
    {
        const string Kubeconfig = """
            clusters: [{name: kind, cluster: {server: "https://127.0.0.1:40000", certificate-authority-data: UEVN}}]
            users: [{name: kind, user: {client-certificate-data: QQ==, client-key-data: QQ==}}]
            """;

        Assert.Null(ClusterAccess.Read(Kubeconfig).Token);
    }
}
