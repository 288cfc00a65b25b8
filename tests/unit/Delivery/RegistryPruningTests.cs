using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Pruning;
using CapiRegistryHook.Delivery.Targets;
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

    private async Task PushAsync(params (string Tag, Descriptor Root)[] images)
    {
        using var client = _registry.Client();
        var items = images.Select(image => new CopyItem(image.Tag, _source, image.Root, "app", image.Tag)).ToList();
        Assert.Empty((await ContentCopy.RunAsync(client, items, new CopyOptions(), Cancelled)).Failures);
    }

    /// <summary>Prunes a registry of which nobody needs anything; somebody does something after it was read.</summary>
    private async Task<PruneReport> PruneAsync(Func<RegistryClient, Task> meanwhile)
    {
        using var client = _registry.Client();
        await using var workload = await ClientFixture.StartAsync(async (context, _) =>
        {
            if (context.Request.Path.Value!.EndsWith("/pods", StringComparison.Ordinal))
                await meanwhile(client);
            await context.JsonAsync("""{"kind":"List","apiVersion":"v1","metadata":{},"items":[]}""");
        });
        var replica = new RegistryReplica("registry-0", new Uri("https://registry.test/"), _registry, new RegistryOptions { Retry = Fixtures.Impatient });
        using var target = new RegistryTarget("default/one", MirrorRule.ByPath, [replica], primary: 0) { Workload = workload.Client };
        var options = new PruneOptions(new KeepRules(0, null, []), [], IsDryRun: false, CollectLimit: null);
        return await new RegistryPruning(options, TimeProvider.System).RunAsync(target, Cancelled);
    }
}
