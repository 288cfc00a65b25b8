using System.Text.Json.Nodes;
using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery;

/// <summary>The commands that read and remove content, on clusters whose replicas are real registries.</summary>
public sealed class ContentCommandTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task List_RegistryOrRepository_PrintsTagsForPeopleAndPrograms()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await site.AddAsync("one", 1, Cancelled);
        var (bundle, digests) = await PushAsync(site, "default/one");

        var table = await site.RunAsync(Cancelled, ["list", "--cluster", "default/one", .. site.Access]);
        var json = await site.RunAsync(Cancelled, ["list", "test/image-1", "--cluster", "default/one", "-o", "json", .. site.Access]);
        var nothing = await site.RunAsync(Cancelled, ["list", "test/nothing", "--cluster", "default/one", .. site.Access]);

        Assert.Equal((0, ""), (table.ExitCode, table.Errors));
        Assert.Equal(2, table.Output.Split('\n').Count(line => line.StartsWith("test/image-", StringComparison.Ordinal)));
        Assert.Contains(digests[0], table.Output, StringComparison.Ordinal);
        var entry = Assert.Single(JsonNode.Parse(json.Output)!["content"]!.AsArray())!;
        Assert.Equal(("test/image-1", "1", digests[1], "Image", "linux/amd64"), ((string)entry["repository"]!, (string)entry["tag"]!,
            (string)entry["digest"]!, (string)entry["kind"]!, (string)entry["platforms"]![0]!));
        Assert.Equal(1, nothing.ExitCode);
        Assert.True(File.Exists(bundle));
    }

    [Fact]
    public async Task VerifyContent_ReplicaWithoutABlob_IsNamedWithIt()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 2, Cancelled);
        var (bundle, digests) = await PushAsync(site, "default/one");

        var half = await site.RunAsync(Cancelled, ["verify-content", bundle, "--cluster", "default/one", "-o", "json", .. site.Access]);
        cluster.Api.LeadPod("registry-system", "registry-1", cluster.Replicas[0].Port);
        var whole = await site.RunAsync(Cancelled, ["verify-content", bundle, "--cluster", "default/one", .. site.Access]);
        await cluster.Replicas[0].Client.DeleteManifestAsync("test/image-0", digests[0], Cancelled);
        var broken = await site.RunAsync(Cancelled, ["verify-content", bundle, "--cluster", "default/one", .. site.Access]);

        Assert.Equal((1, 0, 1), (half.ExitCode, whole.ExitCode, broken.ExitCode));
        var missing = JsonNode.Parse(half.Output)!["registries"]![0]!["missing"]!.AsArray();
        Assert.Equal(["registry-1", "registry-1"], missing.Select(entry => (string)entry!["replica"]!));
        Assert.Contains("test/image-0:1 is missing", broken.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Remove_TagAndDigest_GoFromEveryReplica_AndAMissingOneIsSaid()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 2, Cancelled);
        var (_, digests) = await PushAsync(site, "default/one");
        cluster.Api.LeadPod("registry-system", "registry-0", cluster.Replicas[1].Port);
        await PushAsync(site, "default/one");
        cluster.Api.LeadPod("registry-system", "registry-0", cluster.Replicas[0].Port);

        var run = await site.RunAsync(Cancelled,
            ["remove", "docker.io/test/image-0:1", $"test/image-1@{digests[1]}", "test/image-2:1", "--cluster", "default/one",
            .. site.Access]);

        Assert.Equal("default/one: docker.io/test/image-0:1 removed from 2 replicas\n"
            + $"default/one: test/image-1@{digests[1]} removed from 2 replicas\n", run.Output);
        Assert.Equal((1, "default/one: test/image-2:1 is not there.\n"), (run.ExitCode, run.Errors));
        foreach (var replica in cluster.Replicas)
            Assert.Null(await replica.Client.ResolveAsync("test/image-0", "1", Cancelled));
    }

    [Fact]
    public async Task Pull_NamesOrEverything_CanBePushedAgain()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await site.AddAsync("one", 1, Cancelled);
        var other = await site.AddAsync("two", 1, Cancelled);
        var (_, digests) = await PushAsync(site, "default/one");

        var one = await site.RunAsync(Cancelled,
            ["pull", "docker.io/test/image-1:1", "-f", site.Folder["one.tar"], "--cluster", "default/one", .. site.Access]);
        var all = await site.RunAsync(Cancelled, ["save", "-f", site.Folder["all.tar"], "--cluster", "default/one", .. site.Access]);
        var push = await site.RunAsync(Cancelled, ["push", site.Folder["all.tar"], "--cluster", "default/two", .. site.Access]);
        var missing = await site.RunAsync(Cancelled,
            ["pull", "test/nothing:1", "-f", site.Folder["none.tar"], "--cluster", "default/one", .. site.Access]);

        Assert.Equal((0, 0, 0, 1), (one.ExitCode, all.ExitCode, push.ExitCode, missing.ExitCode));
        using var archive = await ContentArchive.OpenAsync(site.Folder["one.tar"], Cancelled);
        var named = Assert.Single(archive.Names);
        Assert.Equal(("docker.io/test/image-1:1", digests[1]), (named.Name!.ToString(), named.Descriptor.Digest.ToString()));
        Assert.Equal(digests[0], (await other.Replicas[0].Client.ResolveAsync("test/image-0", "1", Cancelled))!.Digest.ToString());
        Assert.Contains("test/nothing:1 is not in the registry of default/one", missing.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(site.Folder["none.tar"]));
    }

    [Fact]
    public async Task Push_ToAnyRegistryOverTls_NeedsItsAuthority()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var registry = await RealRegistry.StartAsync(Cancelled);
        var authority = site.Folder.Write("registry-ca.crt", registry.RootPem);
        var layout = Layout(site, out var digests);

        var distrusted = await site.RunAsync(Cancelled, "push", layout, "--registry", registry.Name);
        var run = await site.RunAsync(Cancelled, "push", layout, "--registry", registry.Name, "--ca-file", authority);
        var listed = await site.RunAsync(Cancelled, "list", "--registry", registry.Name, "--ca-file", authority);
        var elsewhere = await site.RunAsync(Cancelled,
            "push", $"{registry.Name}/test/image-0:1", "--registry", registry.Name, "--ca-file", authority);

        Assert.Equal((1, 0, 0, 1), (distrusted.ExitCode, run.ExitCode, listed.ExitCode, elsewhere.ExitCode));
        Assert.Contains(digests[1], listed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Forward_EachConnectionOnItsOwn_SurvivesResetsAndEndsCleanly()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        await PushAsync(site, "default/one");
        await using var forward = await RunningForward.StartAsync(site, "default/one", Cancelled);

        await forward.ListAsync(Cancelled);
        cluster.Api.CutForwards();
        var repositories = await forward.ListAsync(Cancelled);
        var pulled = await OutsideCommand.RunAsync(await TestTools.PathOfAsync("skopeo"), ["--insecure-policy", "copy",
            "--src-cert-dir", Path.GetDirectoryName(forward.Authority)!, $"docker://127.0.0.1:{forward.Port}/test/image-1:1",
            $"dir:{site.Folder["pulled"]}"], Cancelled);
        var code = await forward.EndAsync(Cancelled);

        Assert.Equal("""{"repositories":["test/image-0","test/image-1"]}""", repositories.Trim());
        Assert.True(pulled.ExitCode == 0, pulled.Errors);
        Assert.Equal(0, code);
        Assert.False(File.Exists(forward.Authority));
    }

    [Theory]
    [InlineData("exactly one of them", "push", "x.tar")]
    [InlineData("exactly one of them", "list", "--all", "--registry", "localhost:1")]
    [InlineData("write NAMESPACE/NAME", "list", "--cluster", "one")]
    [InlineData("belong together", "list", "--registry", "localhost:1", "--username", "me")]
    [InlineData("is for --registry", "list", "--cluster", "a/b", "--ca-file", "/dev/null")]
    [InlineData("use 1 to 64", "push", "x.tar", "--all", "--parallel", "0")]
    [InlineData("use a duration", "push", "x.tar", "--all", "--wait-timeout", "soon")]
    [InlineData("is not a repository", "list", "Docker.io/x:1", "--all")]
    public async Task Run_BadArguments_EndsWithASentence(string sentence, params string[] arguments)
    {
        var run = await ProgramRun.RunAsync(Harness.Service.HookService.ProgramPath(), arguments, Cancelled);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(sentence, run.Errors, StringComparison.Ordinal);
    }

    private static async Task<(string Bundle, IReadOnlyList<string> Digests)> PushAsync(EmbeddedSite site, string cluster)
    {
        using var source = await ContentArchive.OpenAsync(Layout(site, out var digests), Cancelled);
        var bundle = site.Folder["site.tar"];
        await BundleWriter.CreateAsync(
            bundle, [.. source.Names.Select(name => new BundleItem(name.Name!, source, name.Descriptor))], new BundleOptions(), Cancelled);
        var run = await site.RunAsync(Cancelled, ["push", bundle, "--cluster", cluster, .. site.Access]);
        Assert.True(run.ExitCode == 0, run.Errors);
        return (bundle, digests);
    }

    private static string Layout(EmbeddedSite site, out IReadOnlyList<string> digests)
    {
        var images = new LayoutImages(site.Folder["layout"], seed: 8);
        digests = [.. Enumerable.Range(0, 2).Select(number => images.Add($"docker.io/test/image-{number}:1", images.Random(20_000)))];
        return images.Folder;
    }
}
