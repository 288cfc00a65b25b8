using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery;

/// <summary>The published program pushes to many clusters at once, by the management cluster alone.</summary>
public sealed class FleetPushTests
{
    private const int Clusters = 20;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Push_TwentyClustersOfWhichThreeAreUnreachable_SeventeenFinishAndThreeLinesSayWhyNot()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var reachable =
            await Task.WhenAll(Enumerable.Range(0, Clusters - 3).Select(number => site.AddAsync($"c{number:D2}", 1, Cancelled)));
        var (_, layout) = Content(site, 3);
        // No kubeconfig yet; an API server that is gone; a registry that nobody answers for.
        await site.AddClusterAsync("no-kubeconfig", ServerIdentity.Create(["none"], []).RootPem, Cancelled);
        var gone = await site.AddAsync("gone", 1, Cancelled);
        await gone.Api.PauseAsync();
        var silent = await site.AddAsync("silent", 1, Cancelled);
        silent.Api.LeadPod("registry-system", "registry-0", 1);

        var run = await site.RunAsync(Cancelled, ["push", layout, "--all", "--parallel", "8", .. site.Access]);

        Assert.Equal(1, run.ExitCode);
        var lines = run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.Contains(" blobs, ")).Order(StringComparer.Ordinal)
            .ToList();
        Assert.Equal(["default/gone", "default/no-kubeconfig", "default/silent"], lines.Select(line => line.Split(": ")[0]));
        Assert.Contains("can't be reached", lines[0], StringComparison.Ordinal);
        Assert.Contains("default/no-kubeconfig-kubeconfig", lines[1], StringComparison.Ordinal);
        Assert.Equal(Clusters - 3, run.Output.Split('\n').Count(line => line.Contains("  complete  3 ", StringComparison.Ordinal)));
        foreach (var cluster in reachable)
            Assert.NotNull(await cluster.Replicas[0].Client.ResolveAsync("test/image-2", "1", Cancelled));
    }

    [Fact]
    public async Task BundleCreate_FromACluster_IsABackupThatFillsAnother()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await site.AddAsync("one", 1, Cancelled);
        var other = await site.AddAsync("two", 1, Cancelled);
        var (digests, layout) = Content(site, 2);
        Assert.Equal(0, (await site.RunAsync(Cancelled, ["push", layout, "--cluster", "default/one", .. site.Access])).ExitCode);

        var created = await site.RunAsync(Cancelled,
            ["bundle", "create", "--from-cluster", "default/one", "-o", site.Folder["one.tar"], "--why", .. site.Access]);
        Assert.Equal((0, ""), (created.ExitCode, created.Errors));
        Assert.Contains("/test/image-1:1\n  registry of default/one\n", created.Output, StringComparison.Ordinal);
        Assert.Contains("one.tar: 2 images; ", created.Output, StringComparison.Ordinal);
        var pushed = await site.RunAsync(Cancelled, ["push", site.Folder["one.tar"], "--cluster", "default/two", .. site.Access]);

        Assert.Equal(0, pushed.ExitCode);
        Assert.Equal(digests[1], (await other.Replicas[0].Client.ResolveAsync("test/image-1", "1", Cancelled))!.Digest.ToString());
        var nothing = await site.RunAsync(Cancelled, ["bundle", "create", "-o", site.Folder["nothing.tar"]]);
        Assert.Equal((2, "Neither --file nor --from-cluster says what goes into the bundle.\n"), (nothing.ExitCode, nothing.Errors));
    }

    [Fact]
    public async Task Push_Again_SendsNothing_AndJsonSaysSo()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        var (digests, layout) = Content(site, 2);

        var planned = await site.RunAsync(Cancelled,
            ["push", layout, "--cluster", "default/one", "--dry-run", "-o", "json", .. site.Access]);
        Assert.Null(await cluster.Replicas[0].Client.ResolveAsync("test/image-0", "1", Cancelled));
        var first = await site.RunAsync(Cancelled, ["push", layout, "--selector", "site=north", "-o", "json", .. site.Access]);
        var second = await site.RunAsync(Cancelled, ["push", layout, "--cluster", "default/one", "-o", "json", .. site.Access]);

        Assert.Equal((0, "", 0, 0), (planned.ExitCode, planned.Errors, first.ExitCode, second.ExitCode));
        Assert.Equal(digests[1], (await cluster.Replicas[0].Client.ResolveAsync("test/image-1", "1", Cancelled))!.Digest.ToString());
        var plan = JsonNode.Parse(planned.Output)!;
        Assert.True((bool)plan["dryRun"]!);
        Assert.Equal((long)plan["registries"]![0]!["bytesSent"]!, (long)JsonNode.Parse(first.Output)!["registries"]![0]!["bytesSent"]!);
        var again = JsonNode.Parse(second.Output)!["registries"]![0]!;
        Assert.Equal((0L, 0L, 0L, true), ((long)again["bytesSent"]!, (long)again["blobsSent"]!, (long)again["manifestsSent"]!,
            (bool)again["complete"]!));
    }

    [Fact]
    public async Task Push_DryRunLargerThanTheVolume_SaysHowMuchIsLeft()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        await cluster.MeasureAsync("registry-0", free: 1000, Cancelled);
        var (_, layout) = Content(site, 1);

        var table = await site.RunAsync(Cancelled, ["push", layout, "--cluster", "default/one", "--dry-run", .. site.Access]);
        var json = await site.RunAsync(Cancelled, ["push", layout, "--cluster", "default/one", "--dry-run", "-o", "json", .. site.Access]);

        Assert.Equal((1, 1), (table.ExitCode, json.ExitCode));
        Assert.Contains("the volume of the replica registry-0 has 1000 left", table.Errors, StringComparison.Ordinal);
        Assert.Equal(1000, (long)JsonNode.Parse(json.Output)!["registries"]![0]!["freeBytes"]!);
    }

    [Fact]
    public async Task Push_ByTheMirrorRuleOfEachCluster_LandsWhereItsNodesLook()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var byPath = await site.AddAsync("by-path", 1, Cancelled);
        var byHost = await site.AddAsync("by-host", 1, Cancelled,
            """{"mode":"perUpstream","upstreams":["docker.io","ghcr.io"]}""");
        var images = new LayoutImages(site.Folder["colliding"], seed: 3);
        images.Add("docker.io/test/one:1", images.Random(1000));
        images.Add("ghcr.io/test/one:1", images.Random(1000));

        var run = await site.RunAsync(Cancelled,
            ["push", images.Folder, "--cluster", "default/by-path", "default/by-host", .. site.Access]);

        Assert.Equal(1, run.ExitCode);
        var line = Assert.Single(run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("default/by-path: ", line, StringComparison.Ordinal);
        Assert.Contains("docker.io/test/one:1", line, StringComparison.Ordinal);
        Assert.Contains("ghcr.io/test/one:1", line, StringComparison.Ordinal);
        Assert.Contains("perUpstream", line, StringComparison.Ordinal);
        Assert.Empty(await byPath.Replicas[0].Client.RepositoriesAsync(Cancelled).ToListAsync(Cancelled));
        Assert.Equal(["docker.io/test/one", "ghcr.io/test/one"],
            await byHost.Replicas[0].Client.RepositoriesAsync(Cancelled).ToListAsync(Cancelled));
    }

    [Fact]
    public async Task Push_WaitWithAReplicaThatDoesNotCopy_SaysWhichReplicaLacksWhat()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await site.AddAsync("one", 2, Cancelled);
        var (_, layout) = Content(site, 1);

        var run = await site.RunAsync(Cancelled,
            ["push", layout, "--cluster", "default/one", "--wait", "--wait-timeout", "3s", .. site.Access]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("The replica registry-1 does not serve 1 of 1 after 3 s, docker.io/test/image-0:1 among them", run.Errors,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Push_RegistryThatAnotherAuthorityVerifies_IsRefused()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        await site.AddClusterAsync("other", ServerIdentity.Create(["none"], []).RootPem, Cancelled);
        await site.WriteKubeconfigAsync("other", cluster.Api.Kubeconfig, Cancelled);
        var (_, layout) = Content(site, 1);

        var run = await site.RunAsync(Cancelled, ["push", layout, "--cluster", "default/other", .. site.Access]);

        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("default/other: ", run.Errors, StringComparison.Ordinal);
        Assert.Empty(await cluster.Replicas[0].Client.RepositoriesAsync(Cancelled).ToListAsync(Cancelled));
    }

    private static (IReadOnlyList<string> Digests, string Layout) Content(EmbeddedSite site, int count)
    {
        var images = new LayoutImages(site.Folder["layout"], seed: count);
        return ([.. Enumerable.Range(0, count).Select(number => images.Add($"docker.io/test/image-{number}:1", images.Random(50_000)))],
            images.Folder);
    }
}
