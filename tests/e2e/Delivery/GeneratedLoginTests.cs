using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Logins;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery;

/// <summary>The commands on content, on real registries that take one login only, the one that the service generated.</summary>
public sealed class GeneratedLoginTests
{
    private const string Cluster = "default/one";
    private const string Secret = "default/one-registry-addon-login";

    private readonly RegistryLogin _login = RegistryLogin.Generate();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryCommand_WithoutAnyLoginGiven_UsesTheGeneratedOneAndPrintsNoPassword()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await site.AddAsync("one", 1, Cancelled, login: _login);
        // What people have for the cluster comes after the generated login.
        WriteDockerConfig(site, "somebody:else");
        var layout = Layout(site);
        string[] target = ["--cluster", Cluster, .. site.Access];

        ProgramRun[] runs =
        [
            await site.RunAsync(Cancelled, ["push", layout, "--wait", .. target]),
            await site.RunAsync(Cancelled, ["list", .. target]),
            await site.RunAsync(Cancelled, ["bundle", "create", "--from-cluster", Cluster, "-o", site.Folder["one.tar"], .. site.Access]),
            await site.RunAsync(Cancelled, ["verify-content", site.Folder["one.tar"], .. target]),
            await site.RunAsync(Cancelled, ["pull", "test/image-0:1", "-f", site.Folder["pulled.tar"], .. target]),
            await site.RunAsync(Cancelled, ["remove", "test/image-0:1", .. target]),
        ];

        Assert.All(runs, run => Assert.True(run.ExitCode == 0, run.Errors));
        Assert.Contains("test/image-0", runs[1].Output, StringComparison.Ordinal);
        Assert.All(runs, run => Assert.DoesNotContain(_login.Password, run.Output + run.Errors, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Forward_WithAGeneratedLogin_SaysWhereItIsAndNotWhatItIs()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await site.AddAsync("one", 1, Cancelled, login: _login);

        await using var forward = await RunningForward.StartAsync(site, Cluster, Cancelled);

        var said = await File.ReadAllTextAsync(site.Folder["forward.log"], Cancelled);
        Assert.Contains($"\nLogin: keys username and password of the Secret {Secret} on the management cluster\n", said,
            StringComparison.Ordinal);
        Assert.DoesNotContain(_login.Password, said, StringComparison.Ordinal);
        Assert.Equal(0, await forward.EndAsync(Cancelled));
    }

    [Fact]
    public async Task Forward_LoginThatIsNotKnownHere_IsTheClientsAffair()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await site.AddAsync("one", 1, Cancelled, login: _login);
        await site.Admin.MergePatchAsync(AdminClient.Clusters("default"), "one", JsonNode.Parse("""
            {"spec":{"topology":{"variables":[{"name":"clusterConfig","value":{"addons":{"registry":{}}}}]}}}
            """)!.AsObject(), Cancelled);

        await using var forward = await RunningForward.StartAsync(site, Cluster, Cancelled);

        Assert.Contains("\nLogin: the registry asks for one", await File.ReadAllTextAsync(site.Folder["forward.log"], Cancelled),
            StringComparison.Ordinal);
        var pushed = await OutsideCommand.RunAsync(await TestTools.PathOfAsync("skopeo"), ["--insecure-policy", "copy",
            "--preserve-digests", "--dest-cert-dir", Path.GetDirectoryName(forward.Authority)!, "--dest-creds",
            $"{_login.UserName}:{_login.Password}", $"oci:{Layout(site)}:docker.io/test/image-0:1",
            $"docker://127.0.0.1:{forward.Port}/test/image-0:1"], Cancelled);
        Assert.True(pushed.ExitCode == 0, pushed.Errors);
        Assert.Equal(0, await forward.EndAsync(Cancelled));
    }

    [Fact]
    public async Task Login_WrongOrMissing_IsOneSentence()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await site.AddAsync("one", 1, Cancelled, login: _login);
        string[] list = ["list", "--cluster", Cluster, .. site.Access];

        await site.WriteLoginAsync("one", RegistryLogin.Generate(), Cancelled);
        var wrong = await site.RunAsync(Cancelled, list);
        await site.Admin.DeleteIfThereAsync(AdminClient.Secrets("default"), "one-registry-addon-login", Cancelled);
        var missing = await site.RunAsync(Cancelled, list);
        WriteDockerConfig(site, $"{_login.UserName}:{_login.Password}");
        var known = await site.RunAsync(Cancelled, list);

        Assert.Equal((1, 1, 0), (wrong.ExitCode, missing.ExitCode, known.ExitCode));
        Assert.All([wrong, missing], run =>
        {
            Assert.Matches(@"^[^\n]* it answered 401 [^\n]*; check the login for default/one\.\n$", run.Errors);
            Assert.DoesNotContain("\n   at ", run.Errors, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Login_SecretOfSomebodyElse_IsNotUsed()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await site.AddAsync("one", 1, Cancelled, login: _login);
        await site.Admin.MergePatchAsync(AdminClient.Secrets("default"), "one-registry-addon-login",
            new JsonObject { ["metadata"] = new JsonObject { ["labels"] = null } }, Cancelled);

        var run = await site.RunAsync(Cancelled, ["list", "--cluster", Cluster, .. site.Access]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"The Secret {Secret} is not ours or is incomplete", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Username_Given_WinsOverTheGeneratedLogin()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled, login: _login);
        await site.WriteLoginAsync("one", RegistryLogin.Generate(), Cancelled);
        string[] push = ["push", Layout(site), "--cluster", Cluster, "--username", _login.UserName, "--password-stdin", .. site.Access];

        var wrong = await site.RunWithInputAsync("wrong\n", Cancelled, push);
        var right = await site.RunWithInputAsync($"{_login.Password}\n", Cancelled, push);

        Assert.Equal((1, 0), (wrong.ExitCode, right.ExitCode));
        Assert.Contains("check the login for default/one.", wrong.Errors, StringComparison.Ordinal);
        Assert.NotNull(await cluster.Replicas[0].Client.ResolveAsync("test/image-0", "1", Cancelled));
    }

    [Fact]
    public async Task Remove_WhereDeletesAreDisabled_SaysSo()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled, deletes: false);
        await site.RunAsync(Cancelled, ["push", Layout(site), "--cluster", Cluster, .. site.Access]);

        var run = await site.RunAsync(Cancelled, ["remove", "test/image-0:1", "--cluster", Cluster, .. site.Access]);

        Assert.Equal(1, run.ExitCode);
        Assert.Matches(@"^default/one: The replica registry-0 still has test/image-0:1: [^\n]*: deletes are not enabled\.\n$", run.Errors);
        Assert.NotNull(await cluster.Replicas[0].Client.ResolveAsync("test/image-0", "1", Cancelled));
    }

    private static void WriteDockerConfig(EmbeddedSite site, string login) => site.Folder.Write("config.json",
        new JsonObject
        {
            ["auths"] = new JsonObject
            {
                [Cluster] = new JsonObject { ["auth"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(login)) },
            },
        }.ToJsonString());

    private static string Layout(EmbeddedSite site)
    {
        var images = new LayoutImages(site.Folder["layout"], seed: 8);
        images.Add("docker.io/test/image-0:1", images.Random(20_000));
        return images.Folder;
    }
}
