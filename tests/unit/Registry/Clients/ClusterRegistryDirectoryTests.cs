using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Logins;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Unit.Tests.Kubernetes;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Unit.Tests.Registry.Clients;

/// <summary>Whatever the management cluster answers, a command gets an answer within bounds or one sentence.</summary>
public sealed class ClusterRegistryDirectoryTests
{
    private const string Unusable = "The management API server can't be used now; try again.";
    private const string Invalid = "The management cluster lists a Cluster whose name is not valid.";

    private static readonly ClusterKey One = new("default", "one");

    private readonly RegistryLogin _login = RegistryLogin.Generate();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>What can't be in a path is no answer of an API server at all.</summary>
    [Theory]
    [InlineData("..", "x", Unusable)]
    [InlineData("default", "../../secrets/x", Unusable)]
    [InlineData("default", "..", Unusable)]
    [InlineData("default", "one\nsecond", Unusable)]
    [InlineData("default", "", Unusable)]
    [InlineData("default", "One", Invalid)]
    [InlineData("a.b", "one", Invalid)]
    [InlineData("", "one", Invalid)]
    public async Task Select_NameThatNoClusterHas_IsOneSentence(string space, string name, string sentence)
    {
        var list = new JsonObject
        {
            ["apiVersion"] = "cluster.x-k8s.io/v1beta2", ["kind"] = "ClusterList", ["metadata"] = new JsonObject(),
            ["items"] = new JsonArray(Cluster(space, name)),
        };

        var failure = await WithAsync(_ => list, directory => Assert.ThrowsAsync<ClusterRegistryException>(
            () => directory.SelectAsync(null, Cancelled)));

        Assert.Equal(sentence, failure.Message);
    }

    [Theory]
    [InlineData("""{"name":"clusterConfig","value":[]}""")]
    [InlineData("""{"name":"clusterConfig","value":{"addons":{"registry":{"mirror":{"mode":"perUpstream","upstreams":["../x"]}}}}}""")]
    [InlineData("""{"name":"clusterConfig","value":{"addons":{"registry":{"auth":{"generate":"yes"}}}}}""")]
    public async Task Find_SettingsThatAreNotValid_IsOneSentence(string variable)
    {
        var cluster = Cluster("default", "one", variable);

        var failure = await WithAsync(_ => cluster, directory => Assert.ThrowsAsync<ClusterRegistryException>(
            () => directory.FindAsync(One, Cancelled)));

        Assert.DoesNotContain(failure.Message, char.IsControl);
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"data":null}""")]
    [InlineData("""{"data":{"ca.crt":""}}""")]
    [InlineData("""{"data":{"ca.crt":"bm90IGEgUEVN"}}""")]
    public async Task Find_WithoutAuthorities_SaysThatTheyAreMissing(string secret)
    {
        var failure = await WithAsync(path => path.Contains("/secrets/", StringComparison.Ordinal)
            ? Secret("one-registry-addon-ca", JsonNode.Parse(secret)!["data"]?.AsObject()) : Cluster("default", "one"),
            directory => Assert.ThrowsAsync<ClusterRegistryException>(() => directory.FindAsync(One, Cancelled)));

        Assert.Equal(
            "The Secret default/one-registry-addon-ca with the CA certificates of the registry is not there yet.", failure.Message);
    }

    [Fact]
    public async Task FindLogin_AsTheServiceWroteIt_IsIt()
    {
        var found = await WithAsync(_ => Login(_login.UserName, _login.Password, _login.Htpasswd), directory =>
            directory.FindLoginAsync(RegistryBasis.LoginSecret(One.Object), Cancelled));

        Assert.Equal((_login.UserName, _login.Password), (found!.UserName, found.Password));
    }

    [Theory]
    [InlineData("", "p", "registry-1:$2y$x\n", true)]
    [InlineData("admin:x", "p", "admin:x:$2y$x\n", true)]
    [InlineData("registry-1", "", "registry-1:$2y$x\n", true)]
    [InlineData("registry-1", "p", "", true)]
    [InlineData("registry-1", "p", "registry-1:$2y$x\n", false)]
    public async Task FindLogin_IncompleteOrOfSomebodyElse_IsOneSentenceWithoutIt(
        string user, string password, string htpasswd, bool isOurs)
    {
        var failure = await WithAsync(_ => Login(user, password, htpasswd, isOurs), directory =>
            Assert.ThrowsAsync<ClusterRegistryException>(() => directory.FindLoginAsync(RegistryBasis.LoginSecret(One.Object), Cancelled)));

        Assert.Equal(
            "The Secret default/one-registry-addon-login is not ours or is incomplete; rename it, or delete it to get a new login.",
            failure.Message);
    }

    [Fact]
    public async Task Find_Forbidden_SpeaksToAPerson()
    {
        var failure = await WithAsync(_ => null, directory => Assert.ThrowsAsync<ClusterRegistryException>(
            () => directory.FindAsync(One, Cancelled)));

        Assert.Equal(
            "The management API server forbids a call on clusters.cluster.x-k8s.io default/one; "
                + "use a kubeconfig whose user has the permission.",
            failure.Message);
    }

    private static JsonObject Cluster(
        string space, string name, string variable = """{"name":"clusterConfig","value":{"addons":{"registry":{}}}}""") =>
        new()
        {
            ["apiVersion"] = "cluster.x-k8s.io/v1beta2", ["kind"] = "Cluster",
            ["metadata"] = new JsonObject { ["namespace"] = space, ["name"] = name, ["uid"] = "u" },
            ["spec"] = new JsonObject { ["topology"] = new JsonObject { ["variables"] = new JsonArray(JsonNode.Parse(variable)) } },
        };

    private static JsonObject Secret(string name, JsonObject? data) => new()
    {
        ["apiVersion"] = "v1", ["kind"] = "Secret",
        ["metadata"] = new JsonObject { ["namespace"] = "default", ["name"] = name },
        ["data"] = data?.DeepClone(),
    };

    private static JsonObject Login(string user, string password, string htpasswd, bool isOurs = true)
    {
        var secret = Secret("one-registry-addon-login", new JsonObject
        {
            ["username"] = Pack(user), ["password"] = Pack(password), ["htpasswd"] = Pack(htpasswd),
        });
        if (isOurs)
            secret["metadata"]!["labels"] = new JsonObject { ["app.kubernetes.io/managed-by"] = "capi-registry-hook" };
        return secret;
    }

    private static string Pack(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    /// <summary>Runs on a management cluster that answers so; null forbids.</summary>
    private static async Task<T> WithAsync<T>(Func<string, JsonObject?> answer, Func<ClusterRegistryDirectory, Task<T>> run)
    {
        using var authority = new TestAuthority();
        await using var server = await ScriptedServer.StartAsync(authority.Issue(), (context, _) => AnswerAsync(context, answer));
        await using var folder = ScratchFolder.Create("capi-registry-hook-directory-");
        var kubeconfig = folder.Write("kubeconfig", KubeconfigText.Write("management", server.Address, authority.Pem, "token"));
        using var directory = ClusterRegistryDirectory.Connect(
            new ManagementConnection(kubeconfig, null), new RegistryOptions(), TimeProvider.System);
        return await run(directory);
    }

    private static Task AnswerAsync(HttpContext context, Func<string, JsonObject?> answer)
    {
        var path = context.Request.Path.Value!;
        // Whether the version of Cluster API is served is asked by a list of one.
        var isProbe = path.EndsWith("/clusters", StringComparison.Ordinal) && context.Request.Query["limit"] == "1";
        if (isProbe)
            return context.JsonAsync("""{"apiVersion":"cluster.x-k8s.io/v1beta2","kind":"ClusterList","metadata":{},"items":[]}""");
        return answer(path) is { } found ? context.JsonAsync(found.ToJsonString()) : context.StatusAsync(403, "Forbidden");
    }
}
