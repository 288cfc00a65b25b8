using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes.Connection;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Connection;

public sealed class PlainKubeconfigTests
{
    [Fact]
    public void Write_MoreThanIsUsed_KeepsTheCurrentContextAndKnownFieldsAlone()
    {
        var written = Write("""
            current-context: b
            contexts:
            - {name: a, context: {cluster: a, user: a}}
            - {name: b, context: {cluster: b, user: b}}
            clusters:
            - {name: a, cluster: {server: "https://a.test"}}
            - {name: b, cluster: {server: "https://b.test:6443", tls-server-name: api.test, extensions: [{name: x}]}}
            users:
            - {name: a, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/false}}}
            - name: b
              user:
                token: t0ken
                exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/false}
            """);

        Assert.Equal("""{"server":"https://b.test:6443","tls-server-name":"api.test"}""",
            Assert.Single(written["clusters"]!.AsArray())!["cluster"]!.ToJsonString());
        Assert.Equal("""{"token":"t0ken"}""", Assert.Single(written["users"]!.AsArray())!["user"]!.ToJsonString());
        using var read = Kubeconfig.Parse(Encoding.UTF8.GetBytes(written.ToJsonString()), context: null, TimeProvider.System);
        Assert.Equal(new Uri("https://b.test:6443"), read.Server);
    }

    [Theory]
    [InlineData("exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/false}")]
    [InlineData("tokenFile: /etc/passwd")]
    [InlineData("client-certificate: /etc/passwd, client-key: /etc/passwd")]
    [InlineData("as: admin")]
    public void Write_FilesProgramsAndImpersonation_AreRefused(string user) => Assert.Throws<KubeconfigException>(() => Write($$"""
        contexts: [{name: a, context: {cluster: a, user: a} }]
        clusters: [{name: a, cluster: {server: "https://a.test"} }]
        users: [{name: a, user: { {{user}} } }]
        """));

    private static JsonNode Write(string yaml) =>
        JsonNode.Parse(PlainKubeconfig.Write(Encoding.UTF8.GetBytes(yaml), TimeProvider.System))!;
}
