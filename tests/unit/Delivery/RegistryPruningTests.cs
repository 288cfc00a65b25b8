using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Delivery.Pruning;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Unit.Tests.Content;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Delivery;

/// <summary>People push and move tags while a prune finds out what is needed.</summary>
public sealed class RegistryPruningTests : IDisposable
{
    private readonly MemoryRegistry _registry = new() { RemovesManifestsOnly = true };
    private readonly MemorySource _source = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _registry.Dispose();

    [Fact]
    public async Task Run_TagIsMovedToWhatGoes_ItStays()
    {
        var (old, now) = (_source.AddImage("old"), _source.AddImage("now"));
        await PushAsync(("old", old), ("stable", now));

        await PruneAsync(client => client.PutManifestAsync("app", "stable", Manifest.Parse(_source.Files[old.Digest]), Cancelled));

        Assert.Equal(old.Digest, Digest.Compute(_registry.Manifests["app:stable"].Bytes));
        Assert.DoesNotContain($"app:{now.Digest}", _registry.Manifests.Keys);
    }

    [Fact]
    public async Task Run_IndexIsPushedOverWhatGoes_ItsPartsStay()
    {
        var old = _source.AddImage("old");
        await PushAsync(("old", old));
        var index = _source.AddIndex(old);

        await PruneAsync(client => client.PutManifestAsync("app", "new", Manifest.Parse(_source.Files[index.Digest]), Cancelled));

        Assert.Contains("app:new", _registry.Manifests.Keys);
        Assert.Contains($"app:{old.Digest}", _registry.Manifests.Keys);
    }

    /// <summary>A cluster's registry is its owner's: what it lists must not fill the memory of whoever prunes all of them.</summary>
    [Theory]
    [InlineData("tags")]
    [InlineData("repositories")]
    public async Task Run_RegistryListsWithoutAnEnd_EndsWithASentence(string endless)
    {
        var page = 0;
        _registry.Fault = request =>
        {
            var isCatalog = request.RequestUri!.AbsolutePath.EndsWith("_catalog", StringComparison.Ordinal);
            var isEndless = isCatalog == (endless == "repositories");
            if (!isEndless && !isCatalog)
                return new HttpResponseMessage(System.Net.HttpStatusCode.OK) { Content = new StringContent("""{"tags":[]}""") };
            var names = isEndless ? Enumerable.Range(0, 50_000).Select(number => $"\"n{page}-{number}\"") : ["\"app\""];
            var answer = new HttpResponseMessage(System.Net.HttpStatusCode.OK)
            {
                Content = new StringContent($$"""{"{{(isCatalog ? "repositories" : "tags")}}":[{{string.Join(',', names)}}]}"""),
            };
            if (isEndless)
                answer.Headers.TryAddWithoutValidation("Link", $"<{request.RequestUri.AbsolutePath}?last={page++}>; rel=\"next\"");
            return answer;
        };

        var failure = await Assert.ThrowsAsync<DeliveryException>(() => PruneAsync(_ => Task.CompletedTask));

        Assert.Contains("more than 100000 repositories and tags", failure.Message, StringComparison.Ordinal);
        Assert.InRange(page, 0, 4);
    }

    /// <summary>Catalogs on object storage lack entries now and then.</summary>
    [Fact]
    public async Task Run_CatalogLacksTheLocks_WhatTheyListStays()
    {
        await PushAsync(("listed", _source.AddImage("listed")), ("other", _source.AddImage("other")));
        var key = new ContentKey("team-a", "base");
        var artifact = ResolvedContent.ArtifactOf(key,
            [("example.com/app:listed", Digest.Compute(_registry.Manifests["app:listed"].Bytes))]);
        using (var client = _registry.Client())
            await ContentCopy.RunAsync(client,
                [new CopyItem("lock", artifact, artifact.Root, ContentArtifact.Repository, ContentArtifact.TagOf(key))], new CopyOptions(),
                Cancelled);
        _registry.Fault = request => request.RequestUri!.AbsolutePath.EndsWith("_catalog", StringComparison.Ordinal)
            ? new HttpResponseMessage(System.Net.HttpStatusCode.OK) { Content = new StringContent("""{"repositories":["app"]}""") }
            : null;

        await PruneAsync(_ => Task.CompletedTask);

        Assert.Contains("app:listed", _registry.Manifests.Keys);
        Assert.DoesNotContain("app:other", _registry.Manifests.Keys);
    }

    /// <summary>One of many registries, and the owner of its cluster decides what it answers.</summary>
    [Theory]
    [InlineData("""{"created":"\ud800"}""", "{}", null)]
    [InlineData("{}", """{"image":"\ud800"}""", "not Unicode")]
    [InlineData("{}", """{"\ud800":"a"}""", "not Unicode")]
    public async Task Run_TextThatIsNotUnicode_IsAFaultOfThisRegistryAlone(string config, string spec, string? sentence)
    {
        var blob = _source.AddBlob(MediaTypes.OciConfig, System.Text.Encoding.UTF8.GetBytes(config));
        await PushAsync(("old", _source.Add(ManifestWriter.Image(blob, []))));

        var failure = await Record.ExceptionAsync(() => PruneAsync(_ => Task.CompletedTask, spec, TimeSpan.FromDays(1)));

        Assert.Equal(sentence is null, failure is null);
        Assert.Contains(sentence ?? "", failure?.Message ?? "", StringComparison.Ordinal);
        Assert.True(failure is null || Fault.Is(failure), failure?.ToString());
    }

    [Fact]
    public async Task Run_RegistryAnswersTooSlowly_EndsSoThatOthersAreNext()
    {
        var time = new ManualTime();
        using var silent = new SilentRegistry();

        var run = PruneAsync(_ => Task.CompletedTask, time: time, registry: silent);
        await time.TimerAsync(delay => delay == RegistryPruning.Longest);
        time.Advance(RegistryPruning.Longest);

        Assert.StartsWith("It took longer than 60 minutes", (await Assert.ThrowsAsync<DeliveryException>(() => run)).Message,
            StringComparison.Ordinal);
    }

    private async Task PushAsync(params (string Tag, Descriptor Root)[] images)
    {
        using var client = _registry.Client();
        var items = images.Select(image => new CopyItem(image.Tag, _source, image.Root, "app", image.Tag)).ToList();
        Assert.Empty((await ContentCopy.RunAsync(client, items, new CopyOptions(), Cancelled)).Failures);
    }

    /// <summary>Prunes a registry of which nobody needs anything; somebody does something after it was read.</summary>
    private async Task<PruneReport> PruneAsync(Func<RegistryClient, Task> meanwhile, string spec = "{}", TimeSpan? younger = null,
        TimeProvider? time = null, HttpMessageHandler? registry = null)
    {
        using var client = _registry.Client();
        await using var workload = await ClientFixture.StartAsync(async (context, _) =>
        {
            var isPods = context.Request.Path.Value!.EndsWith("/pods", StringComparison.Ordinal);
            if (isPods)
                await meanwhile(client);
            var items = isPods ? $$"""{"metadata":{"name":"a","namespace":"default"},"spec":{{spec}}}""" : "";
            await context.JsonAsync($$"""{"kind":"List","apiVersion":"v1","metadata":{},"items":[{{items}}]}""");
        });
        var replica = new RegistryReplica("registry-0", new Uri("https://registry.test/"), registry ?? _registry,
            new RegistryOptions { Retry = Fixtures.Impatient, Timeout = TimeSpan.FromDays(1) });
        using var target = new RegistryTarget("default/one", MirrorRule.ByPath, [replica], primary: 0) { Workload = workload.Client };
        var options = new PruneOptions(new KeepRules(0, younger, []), [], IsDryRun: false, CollectLimit: null);
        return await new RegistryPruning(options, time ?? TimeProvider.System).RunAsync(target, Cancelled);
    }

    private sealed class SilentRegistry : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            throw new InvalidOperationException("An endless wait ended.");
        }
    }
}
