using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Connection;

public sealed class ServerTrustTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetAsync_CertificateOfAnotherAuthority_IsUntrusted()
    {
        using TestAuthority other = new();
        Assert.Equal(KubernetesFault.UntrustedServer,
            await FaultAsync(authority => authority.Issue(), change: c => c with { CertificateAuthorities = other.Roots }));
    }

    [Fact]
    public async Task GetAsync_CertificateOfAnotherName_IsUntrusted() =>
        Assert.Equal(KubernetesFault.UntrustedServer, await FaultAsync(authority => authority.Issue(names: ["api.test"], address: false)));

    [Fact]
    public async Task GetAsync_ExpiredCertificate_IsUntrusted() =>
        Assert.Equal(KubernetesFault.UntrustedServer,
            await FaultAsync(authority => authority.Issue(notAfter: TimeProvider.System.GetUtcNow().AddHours(-1))));

    [Fact]
    public async Task GetAsync_NoAuthorityGiven_SystemRootsDoNotTrustIt() =>
        Assert.Equal(KubernetesFault.UntrustedServer,
            await FaultAsync(authority => authority.Issue(), change: c => c with { CertificateAuthorities = null }));

    [Fact]
    public async Task GetAsync_UntrustedServer_NeverSeesTheRequest()
    {
        using TestAuthority other = new();
        using TestAuthority authority = new();
        await using var server = await ScriptedServer.StartAsync(authority.Issue(), (context, _) => context.JsonAsync(Answers.SecretJson));
        var connection = server.Connection(other) with { Credentials = new StaticToken("very-secret") };
        using KubernetesClient client = new(connection, ClientFixture.Quick, TimeProvider.System);
        var failure =
            await Assert.ThrowsAsync<KubernetesApiException>(() => client.GetAsync(CoreResources.Secrets, ClientFixture.One, Cancel));
        Assert.DoesNotContain("very-secret", failure.ToString(), StringComparison.Ordinal);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task GetAsync_TlsServerName_IsSentAndVerified()
    {
        using TestAuthority authority = new();
        await using var server = await ScriptedServer.StartAsync(
            authority.Issue(names: ["api.test"], address: false), (context, _) => context.JsonAsync(Answers.SecretJson));
        using (KubernetesClient client = new(
            server.Connection(authority) with { TlsServerName = "api.test" }, ClientFixture.Quick, TimeProvider.System))
            await client.GetAsync(CoreResources.Secrets, ClientFixture.One, Cancel);
        Assert.Equal("api.test", Assert.Single(server.ServerNames));
    }

    [Fact]
    public async Task GetAsync_TlsServerNameOfAnother_IsUntrusted() => Assert.Equal(
        KubernetesFault.UntrustedServer,
        await FaultAsync(authority => authority.Issue(names: ["api.test"]), change: c => c with { TlsServerName = "other.test" }));

    [Fact]
    public async Task GetAsync_ClientCertificate_IsPresented()
    {
        using TestAuthority authority = new();
        (var certificate, var key) = authority.IssuePem(TestAuthority.ClientUse, subject: "the-client");
        await using var server = await ScriptedServer.StartAsync(authority.Issue(), (context, _) => context.JsonAsync(Answers.SecretJson));
        using KubernetesClient client = new(
            server.Connection(authority) with { ClientCertificate = X509Certificate2.CreateFromPem(certificate, key) }, ClientFixture.Quick,
            TimeProvider.System);
        await client.GetAsync(CoreResources.Secrets, ClientFixture.One, Cancel);
        Assert.Equal("CN=the-client", Assert.Single(server.Requests).ClientCertificate?.Subject);
    }

    // A chain policy is shared by all handshakes of a handler: it must neither race nor gather the servers' certificates.
    [Fact]
    public async Task Create_ManyHandshakes_LeaveThePolicyAsItWas()
    {
        using TestAuthority authority = new();
        await using var server = await ScriptedServer.StartAsync(authority.Issue(), (context, _) =>
        {
            context.Response.Headers.Connection = "close";
            return context.JsonAsync(Answers.SecretJson);
        });
        using var connection = server.Connection(authority);
        using var handler = ConnectionHandler.Create(connection);
        using HttpMessageInvoker http = new(handler);
        await Parallel.ForAsync(0, 100, Cancel, async (_, cancel) =>
        {
            using HttpRequestMessage request = new(HttpMethod.Get, server.Address);
            using var response = await http.SendAsync(request, cancel);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        });
        var policy = handler.SslOptions.CertificateChainPolicy!;
        Assert.Equal((0, 1, 1), (policy.ExtraStore.Count, policy.CustomTrustStore.Count, policy.ApplicationPolicy.Count));
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n")]
    [InlineData("\u0015\u0003\u0003\u0000\u0002\u0002\u0028")]
    [InlineData("")]
    public async Task GetAsync_NoTlsThere_IsUnreachableRatherThanUntrusted(string answer)
    {
        await using LoopbackListener listener = new(
            (connection, cancel) => AnswerAsync(connection.Client, Encoding.Latin1.GetBytes(answer), cancel));
        using TestAuthority authority = new();
        using KubernetesClient client = new(
            new ClusterConnection { Server = new Uri($"https://{listener.Authority}"), CertificateAuthorities = authority.Roots },
            ClientFixture.Quick with { MaxAttempts = 1 },
            TimeProvider.System);
        var failure =
            await Assert.ThrowsAsync<KubernetesApiException>(() => client.GetAsync(CoreResources.Secrets, ClientFixture.One, Cancel));
        Assert.Equal(KubernetesFault.Unreachable, failure.Fault);
    }

    private static async Task AnswerAsync(Socket socket, byte[] answer, CancellationToken cancellationToken)
    {
        await socket.ReceiveAsync(new byte[4096], cancellationToken);
        await socket.SendAsync(answer, cancellationToken);
        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task<KubernetesFault> FaultAsync(
        Func<TestAuthority, X509Certificate2> certificate, Func<ClusterConnection, ClusterConnection> change = null!)
    {
        using TestAuthority authority = new();
        await using var server =
            await ScriptedServer.StartAsync(certificate(authority), (context, _) => context.JsonAsync(Answers.SecretJson));
        var connection = server.Connection(authority);
        using KubernetesClient client = new(change?.Invoke(connection) ?? connection, ClientFixture.Quick, TimeProvider.System);
        var failure =
            await Assert.ThrowsAsync<KubernetesApiException>(() => client.GetAsync(CoreResources.Secrets, ClientFixture.One, Cancel));
        Assert.Empty(server.Requests);
        return failure.Fault;
    }
}
