using System.Text.Json.Nodes;
using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery;

/// <summary>What <c>prune</c> leaves of registries with two real replicas.</summary>
public sealed class PruneTests
{
    private const int Images = 500;
    private static readonly DateTimeOffset Old = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>500 images: five that workloads need in as many ways, ten in a lock, five that are young.</summary>
    [Fact]
    public async Task Run_ManyImages_ExactlyWhatIsNeededStaysOnEveryReplica_AndThenThereIsNothingToDo()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 2, Cancelled);
        var layout = new LayoutImages(site.Folder["layout"], seed: 5);
        var locked = new LayoutImages(site.Folder["locked"], seed: 6);
        var digests = new List<string>();
        for (var number = 0; number < Images; number++)
        {
            var layer = layout.Random(300);
            layout.Built = number is >= 15 and < 20 ? TimeProvider.System.GetUtcNow() - TimeSpan.FromDays(2) : Old;
            locked.Built = layout.Built;
            digests.Add(layout.Add($"docker.io/test/image-{number}:1", layer));
            if (number is >= 5 and < 15)
                locked.Add($"docker.io/test/image-{number}:1", layer);
        }

        await PushToBothAsync(site, cluster, layout.Folder);
        await UseAsync(cluster, digests);
        using var source = await ContentArchive.OpenAsync(locked.Folder, Cancelled);
        await BundleWriter.CreateAsync(site.Folder["locked.tar"],
            [.. source.Names.Select(name => new BundleItem(name.Name!, source, name.Descriptor))], new BundleOptions(), Cancelled);
        string[] rules = ["prune", "--cluster", "default/one", "--lock", site.Folder["locked.tar"], "--keep-younger", "720h", "-o", "json",
            .. site.Access];

        var dry = await site.RunAsync(Cancelled, rules);
        var all = await cluster.Replicas[1].Client.RepositoriesAsync(Cancelled).CountAsync(Cancelled);
        var run = await site.RunAsync(Cancelled, [.. rules, "--yes"]);
        var again = await site.RunAsync(Cancelled, [.. rules, "--yes"]);

        Assert.Equal((0, "", Images), (dry.ExitCode, dry.Errors, all));
        Assert.Equal(Removed(dry), Removed(run));
        Assert.Equal(Images - 20, Removed(run).Count);
        Assert.Equal("""{"lock":10,"workload":5,"rule":5}""", Report(run)["kept"]!.ToJsonString());
        Assert.Equal((0, 0, ""), (again.ExitCode, Removed(again).Count, again.Errors));
        foreach (var replica in cluster.Replicas)
        {
            for (var number = 0; number < Images; number++)
            {
                var byTag = await replica.Client.ResolveAsync($"test/image-{number}", "1", Cancelled);
                var byDigest = await replica.Client.GetManifestAsync($"test/image-{number}", digests[number], Cancelled);
                Assert.True(byTag is not null == number < 20, $"image-{number} by tag");
                Assert.True(byDigest is not null == number < 20, $"image-{number} by digest");
            }
        }
    }

    [Fact]
    public async Task Run_TagsOfOneRepository_KeepsTheLastAndWhatMatches_AndBothTagsOfADigest()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        var layout = new LayoutImages(site.Folder["layout"], seed: 7);
        for (var number = 0; number < 6; number++)
        {
            layout.Built = Old.AddDays(number);
            layout.Add($"docker.io/test/app:v{number}", layout.Random(300));
        }

        var same = layout.Random(300);
        layout.Built = Old.AddDays(-1);
        var release = layout.Add("docker.io/test/tool:release-1", same);
        await site.RunAsync(Cancelled, ["push", layout.Folder, "--cluster", "default/one", .. site.Access]);
        var registry = cluster.Replicas[0].Client;
        var manifest = await registry.GetManifestAsync("test/tool", release, Cancelled);
        await registry.PutManifestAsync("test/tool", "old", manifest!, Cancelled);

        var run =
            await site.RunAsync(Cancelled, ["prune", "--cluster", "default/one", "--yes", "--keep-last", "2", "--keep", "test/t*:release-*",
            "--collect", "false", .. site.Access]);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Equal(["v4", "v5"], await registry.TagsAsync("test/app", Cancelled).Order().ToListAsync(Cancelled));
        Assert.Equal(["old", "release-1"], await registry.TagsAsync("test/tool", Cancelled).Order().ToListAsync(Cancelled));
        Assert.Contains("4 removed", run.Output, StringComparison.Ordinal);
    }

    /// <summary>What has no tag is not known to be unneeded; what belongs to an image stays and goes with it.</summary>
    [Fact]
    public async Task Run_ImagesByDigestAloneAndSignatures_StayWithWhatTheyBelongTo()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        var layout = new LayoutImages(site.Folder["layout"], seed: 10);
        string[] digests = [
            .. new[] { "kept", "gone", "untagged" }.Select(tag => layout.Add($"docker.io/test/app:{tag}", layout.Random(300)))];
        var signatures = digests.Select(digest => layout.Add(
            $"docker.io/test/app:{digest.Replace(':', '-')}.sig", layout.Random(100))).ToList();
        Assert.Equal(0, (await site.RunAsync(Cancelled, ["push", layout.Folder, "--cluster", "default/one", .. site.Access])).ExitCode);
        var registry = cluster.Replicas[0].Client;
        var untagged = await registry.GetManifestAsync("test/app", digests[2], Cancelled);
        await registry.DeleteManifestAsync("test/app", digests[2], Cancelled);
        await registry.PutManifestAsync("test/app", digests[2], untagged!, Cancelled);

        var run = await site.RunAsync(
            Cancelled, ["prune", "--cluster", "default/one", "--yes", "--keep", "test/app:kept", .. site.Access]);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        foreach (var (image, signature, stays) in digests.Zip(signatures, [true, false, true]))
        {
            Assert.Equal(stays, await registry.GetManifestAsync("test/app", image, Cancelled) is not null);
            Assert.Equal(stays, await registry.GetManifestAsync("test/app", signature, Cancelled) is not null);
        }
    }

    /// <summary>A lock that can't be read, a registry without deletes, a cluster that does not answer: nothing is guessed.</summary>
    [Fact]
    public async Task Run_SomethingIsNotKnown_RemovesNothingAndSaysWhy()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        await site.AddAsync("two", 1, Cancelled, deletes: false);
        var layout = new LayoutImages(site.Folder["layout"], seed: 8);
        layout.Add("docker.io/test/app:1", layout.Random(300));
        layout.Add("docker.io/capi-registry-hook/content:team-a.base", layout.Random(300), layout.Random(300));
        await site.RunAsync(Cancelled, ["push", layout.Folder, "--all", .. site.Access]);

        var damaged = await site.RunAsync(Cancelled, ["prune", "--cluster", "default/one", "--yes", .. site.Access]);
        await cluster.Replicas[0].Client.RemoveTagAsync("capi-registry-hook/content", "team-a.base", Cancelled);
        var outside = await site.RunAsync(Cancelled, ["prune", "--registry", cluster.Replicas[0].Name, "--yes"]);

        Assert.Equal((1, 1), (damaged.ExitCode, outside.ExitCode));
        Assert.Contains("is not a lock that can be read", damaged.Errors, StringComparison.Ordinal);
        Assert.Contains("is not the registry of a cluster", outside.Errors, StringComparison.Ordinal);
        Assert.NotNull(await cluster.Replicas[0].Client.ResolveAsync("test/app", "1", Cancelled));
    }

    [Fact]
    public async Task Run_DeletesAreOff_SaysSo()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await site.AddAsync("one", 1, Cancelled, deletes: false);
        var layout = new LayoutImages(site.Folder["layout"], seed: 9);
        layout.Add("docker.io/test/app:1", layout.Random(300));
        await site.RunAsync(Cancelled, ["push", layout.Folder, "--all", .. site.Access]);

        var run = await site.RunAsync(Cancelled, ["prune", "--all", "--yes", .. site.Access]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("registry-0 still has test/app@", run.Errors, StringComparison.Ordinal);
    }

    /// <summary>What the CronJob of the chart may do on the management cluster is what the command does there.</summary>
    [Fact]
    public async Task Rules_OfTheChart_AreTheCallsOfTheCommand()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await site.AddAsync("one", 1, Cancelled);
        site.Management.ClearCalls();

        var run = await site.RunAsync(Cancelled, ["prune", "--all", "--yes", .. site.Access]);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        var rules = (await HookChart.RenderAsync(Cancelled, "--set", "prune.enabled=true")).Where(entry => entry.Kind() == "ClusterRole"
            && ((string)entry["metadata"]!["name"]!).EndsWith("-prune", StringComparison.Ordinal)).SelectMany(role => role.Rights());
        Assert.Equal(rules.Order(), site.Management.Calls.Select(call => (call.Verb, call.Group, call.Resource)).Distinct().Order());
    }

    [Theory]
    [InlineData("use 0 to 10000", "--keep-last", "-1")]
    [InlineData("use a duration like 720h", "--keep-younger", "30d")]
    public async Task Run_BadRule_EndsWithASentence(string sentence, params string[] arguments)
    {
        var run = await ProgramRun.RunAsync(HookService.ProgramPath(), ["prune", "--all", .. arguments], Cancelled);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(sentence, run.Errors, StringComparison.Ordinal);
    }

    /// <summary>A pod by tag and one by digest, a Deployment, what a Deployment could be rolled back to, and a CronJob.</summary>
    private static async Task UseAsync(SiteCluster cluster, List<string> digests)
    {
        using var admin = new AdminClient(cluster.Api);
        var plain = Pod("test/image-0:1");
        var pinned = Pod($"docker.io/test/image-1@{digests[1]}");
        await CreateAsync("/api/v1", "pods", "plain", plain);
        await CreateAsync("/api/v1", "pods", "pinned", pinned);
        await CreateAsync("/apis/apps/v1", "deployments", "app", Template("docker.io/test/image-2:1"));
        await CreateAsync("/apis/apps/v1", "replicasets", "app-before", Template("docker.io/test/image-3:1"));
        await CreateAsync("/apis/batch/v1beta1", "cronjobs", "nightly",
            new JsonObject { ["jobTemplate"] = new JsonObject { ["spec"] = Template("docker.io/test/image-4:1") } });

        Task CreateAsync(string api, string plural, string name, JsonObject spec) => admin.CreateAsync(
            $"{api}/namespaces/default/{plural}",
            new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = spec }, Cancelled);
    }

    private static JsonObject Template(string image) => new() { ["template"] = new JsonObject { ["spec"] = Pod(image) } };

    private static JsonObject Pod(string image) => new()
    {
        ["initContainers"] = new JsonArray(new JsonObject { ["name"] = "prepare", ["image"] = image }),
        ["containers"] = new JsonArray(new JsonObject { ["name"] = "app", ["image"] = "elsewhere.example.com/other:1" }),
    };

    /// <summary>No sidecar copies in these registries.</summary>
    private static async Task PushToBothAsync(EmbeddedSite site, SiteCluster cluster, string folder)
    {
        foreach (var replica in cluster.Replicas)
        {
            cluster.Api.LeadPod("registry-system", "registry-0", replica.Port);
            var run = await site.RunAsync(Cancelled, ["push", folder, "--cluster", $"default/{cluster.Name}", .. site.Access]);
            Assert.True(run.ExitCode == 0, run.Errors);
        }

        cluster.Api.LeadPod("registry-system", "registry-0", cluster.Replicas[0].Port);
    }

    private static JsonNode Report(ProgramRun run) => JsonNode.Parse(run.Output)!["registries"]![0]!;

    private static List<string> Removed(ProgramRun run) =>
        [.. Report(run)["removed"]!.AsArray().Select(content => (string)content!["repository"]!)];
}
