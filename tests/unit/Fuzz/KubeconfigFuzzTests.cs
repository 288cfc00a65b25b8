using System.Text;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Fuzz;

/// <summary>Kubeconfigs out of Secrets, which a workload cluster's owner may have written.</summary>
public class KubeconfigFuzzTests(ITestOutputHelper output) : FuzzTests(output)
{
    [Fact]
    public void Parse_AnyBytes_IsAConnectionOrOneSentence()
    {
        using var authority = new TestAuthority();
        Run(new Fuzzer("kubeconfig", [Bytes(WithToken), Bytes(WithCertificates(authority))], Words.Yaml), 20_000, IsParsed);
    }

    private const string WithToken = """
        apiVersion: v1
        kind: Config
        clusters:
        - name: c
          cluster: {server: "https://10.0.0.1:6443", tls-server-name: api.example.org}
        contexts:
        - name: x
          context: {cluster: c, user: u, namespace: n}
        current-context: x
        users:
        - name: u
          user: {token: abc}
        """;

    private static string WithCertificates(TestAuthority authority)
    {
        var (certificate, key) = authority.IssuePem(TestAuthority.ClientUse);
        return $$$"""
            clusters: [{name: c, cluster: {server: "https://10.0.0.1", certificate-authority-data: {{{Base64(authority.Pem)}}}}}]
            users: [{name: u, user: {client-certificate-data: {{{Base64(certificate)}}}, client-key-data: {{{Base64(key)}}}}}]
            """;
    }

    private static bool IsParsed(byte[] yaml)
    {
        try
        {
            using var connection = Kubeconfig.Parse(yaml, context: null, TimeProvider.System);
            Assert.Equal(Uri.UriSchemeHttps, connection.Server.Scheme);
            // The only programs and files in the world are those of this machine, and a Secret has no say over them.
            Assert.True(connection.Credentials is null or StaticToken);
            return true;
        }
        catch (KubeconfigException exception)
        {
            Assert.True(exception.Message.Length < 1500, $"{exception.Message.Length} characters");
            Assert.DoesNotContain(exception.Message, char.IsControl);
            return false;
        }
    }

    private static string Base64(string text) => Convert.ToBase64String(Bytes(text));

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
