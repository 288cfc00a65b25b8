using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>What the sidecar does, with two real registries and without a cluster.</summary>
public sealed class SyncScriptTests
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>A replica that lost its volume while the others are away is not ready; it goes on trying, and is ready with all that they
    /// have.</summary>
    [Fact]
    public async Task Fill_OthersAwayAtFirst_IsTriedUntilItIsDone()
    {
        await using var fixture = await SyncFixture.CreateAsync(CancellationToken);
        await using (await fixture.StartAsync(fixture.Source, CancellationToken))
            (await fixture.Client(fixture.Source).PushAsync(fixture.Image("one"), "library/app:1", CancellationToken)).OutputOfSuccess();
        await using var target = await fixture.StartAsync(fixture.Target, CancellationToken);
        await using var sidecar = await fixture.StartSidecarAsync();

        await Polling.UntilAsync("a failed try", () => Task.FromResult(sidecar.Said("the next try is in 2 s")), sidecar.LogTail,
            CancellationToken);
        Assert.False(fixture.IsFilled);
        await MetricAsync(fixture, sidecar, "registry_sync_filled 0");

        await using var source = await fixture.StartAsync(fixture.Source, CancellationToken);
        await Polling.UntilAsync("the fill", () => Task.FromResult(fixture.IsFilled), sidecar.LogTail, CancellationToken);

        Assert.Equal(
            await fixture.DigestAsync(fixture.Source, "library/app:1", CancellationToken),
            await fixture.DigestAsync(fixture.Target, "library/app:1", CancellationToken));
        await MetricAsync(fixture, sidecar, "registry_sync_filled 1");
        await MetricAsync(fixture, sidecar, "\nregistry_sync_last_success_timestamp_seconds 1");
    }

    /// <summary>A new registry has nothing to wait for.</summary>
    [Fact]
    public async Task Fill_NothingAnywhere_IsDoneAtTheFirstTry()
    {
        await using var fixture = await SyncFixture.CreateAsync(CancellationToken);
        await using var source = await fixture.StartAsync(fixture.Source, CancellationToken);
        await using var target = await fixture.StartAsync(fixture.Target, CancellationToken);
        await using var sidecar = await fixture.StartSidecarAsync();

        await Polling.UntilAsync("the fill", () => Task.FromResult(fixture.IsFilled), sidecar.LogTail, CancellationToken);

        Assert.False(sidecar.Said("not full yet"));
    }

    /// <summary>A repository that was pushed to by digest alone has no list of tags. That is no reason to wait for ever.</summary>
    [Fact]
    public async Task Fill_RepositoryWithoutTags_CountsAsDone()
    {
        await using var fixture = await SyncFixture.CreateAsync(CancellationToken);
        await using var source = await fixture.StartAsync(fixture.Source, CancellationToken);
        (await fixture.Client(fixture.Source).PushAsync(fixture.Image("one"), "library/app:1", CancellationToken)).OutputOfSuccess();
        (await fixture.Client(fixture.Source).PushAsync(fixture.Image("two"), "library/untagged:1", CancellationToken)).OutputOfSuccess();
        Directory.Delete(Path.Combine(fixture.Repository("library/untagged"), "_manifests", "tags"), recursive: true);
        await using var target = await fixture.StartAsync(fixture.Target, CancellationToken);
        await using var sidecar = await fixture.StartSidecarAsync();

        await Polling.UntilAsync("the fill", () => Task.FromResult(fixture.IsFilled), sidecar.LogTail, CancellationToken);

        Assert.True(sidecar.Said("Failed getting source tags"));
        Assert.NotEqual("", await fixture.DigestAsync(fixture.Target, "library/app:1", CancellationToken));
    }

    /// <summary>
    /// One request per tag and side, the catalog and a list of tags: what regsync 0.11 needs too, plus at most ten for its connections. A
    /// signature that comes late has a tag of its own, and is copied.
    /// </summary>
    [Fact]
    public async Task Pass_HundredTags_TakesTwoRequestsForEach()
    {
        await using var fixture = await SyncFixture.CreateAsync(CancellationToken);
        await using var source = await fixture.StartAsync(fixture.Source, CancellationToken);
        await using var target = await fixture.StartAsync(fixture.Target, CancellationToken);
        (await fixture.Client(fixture.Source).PushAsync(fixture.Image("one"), "library/app:1", CancellationToken)).OutputOfSuccess();
        (await fixture.Client(fixture.Target).PushAsync(fixture.Image("one"), "library/app:1", CancellationToken)).OutputOfSuccess();
        TagAgain(fixture.Repository("library/app"), 99);
        await fixture.PassAsync(CancellationToken);

        var before = source.Requests + target.Requests;
        await fixture.PassAsync(CancellationToken);
        Assert.InRange(source.Requests + target.Requests - before, 202, 212);

        var signature =
            $"library/app:{(await fixture.DigestAsync(fixture.Source, "library/app:1", CancellationToken)).Replace(':', '-')}.sig";
        (await fixture.Client(fixture.Source).PushAsync(fixture.Image("signature"), signature, CancellationToken)).OutputOfSuccess();
        await fixture.PassAsync(CancellationToken);
        Assert.NotEqual("", await fixture.DigestAsync(fixture.Target, signature, CancellationToken));
    }

    /// <summary>A registry with one replica has nobody to be filled by, and fetches what its values name.</summary>
    [Fact]
    public async Task Fetch_SourceOfTheValues_IsCopiedAndFollowed()
    {
        await using var fixture = await SyncFixture.CreateFetchingAsync("library/app:1", "mirror/app:stable", CancellationToken);
        await using var source = await fixture.StartAsync(fixture.Source, CancellationToken);
        await using var target = await fixture.StartAsync(fixture.Target, CancellationToken);
        (await fixture.Client(fixture.Source).PushAsync(fixture.Image("one"), "library/app:1", CancellationToken)).OutputOfSuccess();
        await using var sidecar = await fixture.StartSidecarAsync();
        await FollowedAsync();
        Assert.True(fixture.IsFilled);

        (await fixture.Client(fixture.Source).PushAsync(fixture.Image("two"), "library/app:1", CancellationToken)).OutputOfSuccess();
        await FollowedAsync();

        async Task FollowedAsync()
        {
            var wanted = await fixture.DigestAsync(fixture.Source, "library/app:1", CancellationToken);
            Assert.NotEqual("", wanted);
            await Polling.UntilAsync("the tag", async () =>
                await fixture.DigestAsync(fixture.Target, "mirror/app:stable", CancellationToken) == wanted, sidecar.LogTail,
                CancellationToken);
        }
    }

    private static void TagAgain(string repository, int times)
    {
        var tags = Path.Combine(repository, "_manifests", "tags");
        var link = File.ReadAllText(Path.Combine(tags, "1", "current", "link"));
        for (var number = 2; number < times + 2; number++)
        {
            var current = Directory.CreateDirectory(Path.Combine(tags, $"{number}", "current"));
            File.WriteAllText(Path.Combine(current.FullName, "link"), link);
        }
    }

    private static Task MetricAsync(SyncFixture fixture, ContainerProgram sidecar, string metric) => Polling.UntilAsync(
        metric, async () => (await fixture.MetricsAsync(CancellationToken)).Contains(metric, StringComparison.Ordinal), sidecar.LogTail,
            CancellationToken);
}
