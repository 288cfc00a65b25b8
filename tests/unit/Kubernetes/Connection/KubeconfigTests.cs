using System.Security.Cryptography;
using System.Text;
using CapiRegistryHook.Kubernetes.Connection;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Connection;

public sealed class KubeconfigTests : IDisposable
{
    private const string Minimal =
        """{clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443"}}], users: [{name: u, user: {token: abc}}]}""";

    private static readonly TestAuthority Authority = new();

    private readonly string _folder = Directory.CreateTempSubdirectory("kubeconfig-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Bad => new()
    {
        { "", "The kubeconfig has no contexts and 0 clusters; add a context and name it in current-context." },
        { "- a", "The kubeconfig must be a mapping." },
        { "clusters: 5", "The kubeconfig's clusters must be a list." },
        { "contexts: [5]\ncurrent-context: a", "The kubeconfig's contexts[0] must be a mapping." },
        { "contexts: [{name: b}]\ncurrent-context: a", "The kubeconfig has no entry \"a\" in contexts; it has b." },
        { "contexts: [{name: a}, {name: b}]", "The kubeconfig has no current-context and several contexts; choose one of a, b." },
        { "contexts: [{name: a, context: {cluster: c}}]", "The kubeconfig has no entry \"c\" in clusters; it has none." },
        { "contexts: [{name: a, context: {user: u}}]\nusers: [{name: u}]", "The kubeconfig has no contexts[0].context.cluster; add it." },
        { "contexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c}]",
        "The kubeconfig has no entry \"u\" in users; it has none." },
        { Minimal.Replace("clusters: [", "clusters: [{name: d}, "),
        "The kubeconfig has no contexts and 2 clusters; add a context and name it in current-context." },
        { With("", cluster: "name: d"), "The kubeconfig has no clusters[0].cluster.server; add it." },
        { With("", cluster: "server: http://127.0.0.1"),
        "The kubeconfig's clusters[0].cluster.server must be an https address without user, query and fragment." },
        { With("", cluster: "server: https://leak-me@127.0.0.1"),
        "The kubeconfig's clusters[0].cluster.server must be an https address without user, query and fragment." },
        { With("", cluster: "server: [https://a]"), "The kubeconfig's clusters[0].cluster.server must be a text." },
        { With("", cluster: "server: https://a, proxy-url: ftp://a"),
        "The kubeconfig's clusters[0].cluster.proxy-url must be an http, https or socks5 address." },
        { With("", cluster: "server: https://a, tls-server-name: a b"),
        "The kubeconfig's clusters[0].cluster.tls-server-name must be a host name or an address." },
        { With("", cluster: "server: https://a, certificate-authority-data: '%'"),
        "The kubeconfig's clusters[0].cluster.certificate-authority-data must be base64." },
        { With("", cluster: "server: https://a, certificate-authority-data: AAAA"),
        "The kubeconfig's clusters[0].cluster.certificate-authority-data must be one or more PEM certificates." },
        { With("", cluster: "server: https://a, certificate-authority: /etc/passwd"),
        "The kubeconfig's clusters[0].cluster.certificate-authority names a file or a program of the machine it was made on; put the "
            + "data itself into it." },
        { With("", cluster: "server: https://a, insecure-skip-tls-verify: true"),
        "The kubeconfig sets clusters[0].cluster.insecure-skip-tls-verify; remove it and give certificate-authority-data, since a "
            + "server that is not verified can be anybody." },
        { With("", cluster: "server: https://a, insecure-skip-tls-verify: maybe"),
        "The kubeconfig's clusters[0].cluster.insecure-skip-tls-verify must be true or false." },
        { With("tokenFile: token"),
        "The kubeconfig's users[0].user.tokenFile names a file or a program of the machine it was made on; put the data itself into it." },
        { With("exec: {apiVersion: client.authentication.k8s.io/v1, command: sh}"),
        "The kubeconfig's users[0].user.exec names a file or a program of the machine it was made on; put the data itself into it." },
        { With("token: 'leak me'"), "The kubeconfig's users[0].user.token must be printable ASCII without blanks." },
        { With("username: a, password: leak-me"),
        "The kubeconfig's users[0].user.password is not supported, nor is it by API servers; use a token or a client certificate." },
        { With("as: somebody, token: leak-me"),
        "The kubeconfig's users[0].user.as is not supported; use a token, a client certificate or an exec plugin." },
        { With("client-key-data: bGVhay1tZQ=="),
        "The kubeconfig has users[0].user.client-key-data without its counterpart; give certificate and key." },
        { With($"client-certificate-data: {Base64(Authority.Pem)}, client-key-data: bGVhay1tZQ=="),
        "The kubeconfig's users[0].user.client-key-data must be an unencrypted PEM key that belongs to the client certificate." },
        { With($"client-certificate-data: {Base64(Authority.Pem)}, client-key-data: {Base64(OtherKey() + new string(' ', 16 * 1024))}"),
        "The kubeconfig's users[0].user.client-key-data must be a key of at most 16 KiB." },
        { With("",
        cluster: $"server: https://a, certificate-authority-data: {Base64(string.Concat(Enumerable.Repeat(Authority.Pem + "\n", 201)))}"),
        "The kubeconfig's clusters[0].cluster.certificate-authority-data must be at most 200 PEM certificates." },
        { With($"client-certificate-data: {Base64(Authority.Pem)}, client-key-data: {Base64(OtherKey())}"),
        "The kubeconfig's users[0].user.client-key-data must be an unencrypted PEM key that belongs to the client certificate." },
        { "a: &x 1\nb: *x", "The kubeconfig uses YAML aliases; write the values out." },
        { "a: [leak-me", "The kubeconfig is not valid YAML near line 2." },
        { "a: 1\na: 2", "The kubeconfig is not valid YAML near line 2." },
        { "a: 1\n---\nb: 2", "The kubeconfig is more than one YAML document; keep one." },
        { new string('[', 100_000), "The kubeconfig is nested deeper than 32 levels or has more than 100000 elements." },
        { "a: [" + string.Concat(Enumerable.Repeat("1,", 120_000)) + "]",
        "The kubeconfig is nested deeper than 32 levels or has more than 100000 elements." },
        { new string(' ', (1024 * 1024) + 1), "The kubeconfig is larger than 1024 KiB." },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Bad))]
    public void Parse_Unusable_SaysWhatAndWhereAndNoSecret(string yaml, string message)
    {
        var thrown = Assert.Throws<KubeconfigException>(() => Parse(yaml));
        Assert.Equal(message, thrown.Message);
        Assert.DoesNotContain("leak", thrown.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { 0xff, 0xfe, 0x00 })]
    [InlineData(new byte[] { 0x61, 0x3a, 0x00 })]
    public void Parse_Binary_IsRefused(byte[] yaml) =>
        Assert.Throws<KubeconfigException>(() => Kubeconfig.Parse(yaml, null, TimeProvider.System));

    [Fact]
    public async Task Parse_NoContexts_TakesTheOnlyClusterAndUser()
    {
        using var connection = Parse(Minimal);
        Assert.Equal(new Uri("https://127.0.0.1:6443"), connection.Server);
        Assert.Equal("abc", await connection.Credentials!.GetTokenAsync(Cancel));
        Assert.Null(connection.CertificateAuthorities);
    }

    [Fact]
    public async Task Parse_Json_IsYamlToo()
    {
        using var connection = Parse("""
            {"apiVersion":"v1","kind":"Config","current-context":"x","contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}],
             "clusters":[{"name":"c","cluster":{"server":"https://a"}}],"users":[{"name":"u","user":{"token":"abc"}}]}
            """);
        Assert.Equal("abc", await connection.Credentials!.GetTokenAsync(Cancel));
    }

    [Fact]
    public void ToString_PartsOfAKubeconfig_ShowNoValues()
    {
        var root = KubeconfigYaml.Read(Encoding.UTF8.GetBytes("{users: [{user: {token: leak-me}}]}"));
        Assert.DoesNotContain("leak-me", $"{root} {root["users"].Items[0]["user"]}", StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_NoCurrentContext_TakesTheOnlyOne()
    {
        using var connection = Parse(Minimal[..^1] + ", contexts: [{name: x, context: {cluster: c, user: u, namespace: here}}]}");
        Assert.Equal("here", connection.Namespace);
    }

    [Theory]
    [InlineData(null, "https://two/")]
    [InlineData("one", "https://one/")]
    public void Parse_Contexts_TakesTheOneAskedForOrTheCurrentOne(string? context, string server)
    {
        const string Yaml = """
            apiVersion: v1
            kind: Config
            preferences: {}
            current-context: two
            contexts:
            - {name: one, context: {cluster: one}}
            - {name: two, context: {cluster: two, user: ""}}
            clusters:
            - {name: one, cluster: {server: "https://one"}}
            - {name: two, cluster: {server: "https://two", insecure-skip-tls-verify: false}}
            """;
        using var connection = Kubeconfig.Parse(Encoding.UTF8.GetBytes(Yaml), context, TimeProvider.System);
        Assert.Equal(server, connection.Server.ToString());
        Assert.Null(connection.Credentials);
    }

    [Fact]
    public void Parse_EverythingInline_IsTaken()
    {
        (var certificate, var key) = Authority.IssuePem(TestAuthority.ClientUse, subject: "me");
        using var connection = Parse(With(
            $"client-certificate-data: {Base64(certificate + "\n" + Authority.Pem)}, client-key-data: {Base64(key)}",
            $"server: https://a/b, certificate-authority-data: {Base64(Authority.Pem)}, tls-server-name: api.test, proxy-url: "
                + "'socks5://u:leak-me@127.0.0.1:1080'"));
        Assert.Equal("CN=me", connection.ClientCertificate!.Subject);
        Assert.True(connection.ClientCertificate.HasPrivateKey);
        Assert.Single(connection.ClientCertificateChain!);
        Assert.Single(connection.CertificateAuthorities!);
        Assert.Equal(("api.test", "socks5"), (connection.TlsServerName, connection.Proxy!.Scheme));
        Assert.Equal("cluster at https://a", connection.ToString());
    }

    [Fact]
    public async Task Load_Files_ResolveAgainstTheFolder()
    {
        (var certificate, var key) = Authority.IssuePem(TestAuthority.ClientUse, subject: "me");
        Write("ca.pem", Authority.Pem);
        Write("me.pem", certificate);
        Write("me.key", key);
        Write("token", "from-file\n");
        Write("config", With("tokenFile: token, token: inline, client-certificate: me.pem, client-key: ./me.key",
            "server: https://a, certificate-authority: ca.pem"));
        using var connection = Kubeconfig.Load(Path.Combine(_folder, "config"), null, TimeProvider.System);
        Assert.Equal("from-file", await connection.Credentials!.GetTokenAsync(Cancel));
        Assert.Equal("CN=me", connection.ClientCertificate!.Subject);
        Assert.Single(connection.CertificateAuthorities!);
    }

    [Fact]
    public async Task Load_ExecPlugin_IsRunRelativeToTheFolderWithClusterInfo()
    {
        var script = Write("plugin.sh", """
            #!/bin/sh
            case "$KUBERNETES_EXEC_INFO" in *'"server":"https://a"'*) t="$1-$V";; *) t=none;; esac
            echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"'$t'"}}'
            """);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        const string Exec =
            "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./plugin.sh, args: [a], env: [{name: V, value: b}], "
                + "interactiveMode: IfAvailable, provideClusterInfo: true}";
        Write("config", With(Exec, "server: https://a"));
        using var connection = Kubeconfig.Load(Path.Combine(_folder, "config"), null, TimeProvider.System);
        Assert.Equal("a-b", await connection.Credentials!.GetTokenAsync(Cancel));
    }

    [Theory]
    [InlineData("exec: {apiVersion: client.authentication.k8s.io/v1, command: a, interactiveMode: Always}",
        "interactiveMode must be Never or IfAvailable")]
    [InlineData("exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: a}",
        "apiVersion must be client.authentication.k8s.io/v1 or")]
    [InlineData("exec: {apiVersion: client.authentication.k8s.io/v1}", "has no users[0].user.exec.command")]
    [InlineData("client-certificate: missing.pem, client-key: missing.key", "names a file that can't be read")]
    public void Load_Unusable_SaysWhy(string user, string message)
    {
        Write("config", With(user, "server: https://a"));
        var thrown = Assert.Throws<KubeconfigException>(() => Kubeconfig.Load(Path.Combine(_folder, "config"), null, TimeProvider.System));
        Assert.Contains(message, thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_MissingFile_NamesIt() => Assert.Contains(
        "/nowhere/config", Assert.Throws<KubeconfigException>(() => Kubeconfig.Load("/nowhere/config", null, TimeProvider.System)).Message,
        StringComparison.Ordinal);

    [Fact]
    public async Task InCluster_ServiceAccount_IsRead()
    {
        Write("ca.crt", Authority.Pem);
        Write("token", "abc");
        Write("namespace", "here\n");
        using var connection = InCluster.Load(TimeProvider.System, _folder, "fd00::1", "443");
        Assert.Equal(new Uri("https://[fd00::1]:443"), connection.Server);
        Assert.Equal("abc", await connection.Credentials!.GetTokenAsync(Cancel));
        Assert.Equal(("here", "here"), (connection.Namespace, InCluster.Namespace(_folder)));
    }

    [Fact]
    public void InCluster_NoPod_SaysSo()
    {
        Assert.Contains("not a pod", Assert.Throws<KubeconfigException>(
            () => InCluster.Load(TimeProvider.System, _folder, null, null)).Message, StringComparison.Ordinal);
        Assert.Contains("token is missing", Assert.Throws<KubeconfigException>(
            () => InCluster.Load(TimeProvider.System, _folder, "a", "1")).Message, StringComparison.Ordinal);
        Write("token", "abc");
        Assert.Contains("ca.crt", Assert.Throws<KubeconfigException>(() => InCluster.Load(TimeProvider.System, _folder, "a", "1")).Message,
            StringComparison.Ordinal);
        Assert.Null(InCluster.Namespace(_folder));
    }

    private static string With(string user, string cluster = "server: https://a") =>
        $"clusters: [{{name: c, cluster: {{{cluster}}}}}]\nusers: [{{name: u, user: {{{user}}}}}]";

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string OtherKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKeyPem();
    }

    private static ClusterConnection Parse(string yaml) => Kubeconfig.Parse(Encoding.UTF8.GetBytes(yaml), null, TimeProvider.System);

    private string Write(string name, string content)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, content);
        return path;
    }
}
