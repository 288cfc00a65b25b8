using System.Globalization;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Gate;
using CapiRegistryHook.Unit.Tests.Kubernetes;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Unit.Tests.Registry.Gate;

/// <summary>Contents that anybody may declare are read by the service that answers hooks for all: what it keeps of them is small.</summary>
public sealed class ContentListsTests
{
    private readonly ManualTime _time = new();

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Read_ManyContents_KeepsWhatTheGateNeedsOfUsableOnes()
    {
        await using var fixture = await ClientFixture.StartAsync(AnswerAsync);
        var lists = Lists(fixture, content => content.Spec?.Lock?.Content is { Count: 1 } && content.Metadata.Name != "c07");

        var contents = await lists.ReadAsync("team-a", CancellationToken);

        Assert.Equal(29, contents.Count);
        Assert.All(contents, content => Assert.Equal(
            (null, null, null, null, "sha256:1", 3, "v1.35", 7L),
            (content.Spec!.Source, content.Spec.Lock, content.Status!.Failing, content.Metadata.Annotations, content.Status.Lock!.Digest,
                content.Status.Lock.Entries, content.Spec.KubernetesVersions![0], content.Metadata.Generation)));
        Assert.Equal(["limit=20", "limit=20&continue=20"], fixture.Server.Requests.Select(request => request.Url.Split('?')[1]));
    }

    [Fact]
    public async Task Read_LaterAndElsewhere_ForgetsWhatNoLongerCounts()
    {
        await using var fixture = await ClientFixture.StartAsync(AnswerAsync);
        var lists = Lists(fixture, _ => true);
        await lists.ReadAsync("team-a", CancellationToken);
        await lists.ReadAsync("team-b", CancellationToken);
        Assert.Equal(2, lists.Count);
        await lists.ReadAsync("team-a", CancellationToken);
        Assert.Equal(4, fixture.Server.Requests.Count);

        _time.Advance(TimeSpan.FromSeconds(6));
        await lists.ReadAsync("team-c", CancellationToken);

        Assert.Equal(1, lists.Count);
    }

    private ContentLists Lists(ClientFixture fixture, Func<RegistryContent, bool> isUsable) => new(fixture.Client, isUsable, _time);

    /// <summary>Thirty contents.</summary>
    private static Task AnswerAsync(HttpContext context, int count)
    {
        var first = int.TryParse(context.Request.Query["continue"], out var start) ? start : 0;
        var most = int.Parse(context.Request.Query["limit"]!, CultureInfo.InvariantCulture);
        var items = Enumerable.Range(first, Math.Min(most, 30 - first)).Select(index => $$$"""
            {"metadata":{"namespace":"team-a","name":"c{{{index:00}}}","generation":7,"annotations":{"a":"b"}},
             "spec":{"source":{"registry":{"host":"x.test"}},"lock":{"content":["x.test/a:1"]},"kubernetesVersions":["v1.35"]},
             "status":{"observedGeneration":7,"lock":{"digest":"sha256:1","entries":3},"failing":[{"cluster":"a/b","reason":"no"}]}}
            """);
        var next = first + most < 30 ? $"{first + most}" : "";
        return context.JsonAsync(
            $$$"""{"items":[{{{string.Join(',', items)}}}],"metadata":{"resourceVersion":"9","continue":"{{{next}}}"}}""");
    }
}
