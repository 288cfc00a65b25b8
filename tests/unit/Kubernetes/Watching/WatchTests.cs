using System.Collections.Concurrent;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Kubernetes.Watching;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Watching;

public sealed class WatchTests
{
    private const string EmptyList = """{"kind":"SecretList","items":[],"metadata":{"resourceVersion":"10"}}""";
    private const string OneList =
        """{"kind":"SecretList","items":[{"metadata":{"name":"a","resourceVersion":"5"}}],"metadata":{"resourceVersion":"10"}}""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WatchAsync_ListAndChanges_ComeInOrder()
    {
        await using Script script = new(OneList);
        script.OnWatch(async context =>
        {
            await context.LineAsync(Line("MODIFIED", "a", 11));
            await context.LineAsync("""{"type":"BOOKMARK","object":{"kind":"Secret","metadata":{"resourceVersion":"12"}}}""");
            await context.LineAsync("""{"object":{"metadata":{"name":"a","resourceVersion":"13"}},"type":"DELETED"}""");
        });
        Assert.Equal(["Reset", "Added a", "Synced", "Modified a", "Deleted a"], await script.TakeAsync(5));
        Assert.Contains("allowWatchBookmarks=true", script.Watches.First(), StringComparison.Ordinal);
        Assert.Contains("resourceVersion=10&", script.Watches.First(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WatchAsync_StreamBreaks_ResumesWhereItWas()
    {
        await using Script script = new(EmptyList);
        script.OnWatch(async context =>
        {
            // Less than was announced: the connection ends after what was sent, where an abort might take it along.
            context.Response.ContentLength = 100_000;
            await context.LineAsync(Line("ADDED", "a", 11));
            await context.Response.WriteAsync("""{"type":"ADDED","object":{"meta""");
        });
        script.OnWatch(context => context.StatusAsync(503, "ServiceUnavailable"));
        script.OnWatch(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        script.OnWatch(context => context.LineAsync("""{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"15"}}}"""));
        script.OnWatch(context => context.LineAsync(Line("ADDED", "b", 16)));
        Assert.Equal(["Reset", "Synced", "Added a", "Added b"], await script.TakeAsync(4));
        Assert.Equal(["10", "11", "11", "11", "15"], script.Positions);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WatchAsync_Gone_ListsAgain(bool inStream)
    {
        await using Script script = new(OneList);
        script.OnWatch(context => inStream
            ? context.LineAsync(
                """{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old resource version"}}""")
            : context.StatusAsync(410, "Expired"));
        Assert.Equal(["Reset", "Added a", "Synced", "Reset", "Added a", "Synced"], await script.TakeAsync(6));
    }

    [Theory]
    [InlineData(401, "Unauthorized", KubernetesFault.Unauthorized)]
    [InlineData(403, "Forbidden", KubernetesFault.Forbidden)]
    [InlineData(404, "NotFound", KubernetesFault.NotFound)]
    public async Task WatchAsync_Refused_ThrowsAfterSomeTries(int code, string reason, KubernetesFault fault)
    {
        await using var fixture = await ClientFixture.StartAsync((context, _) => context.StatusAsync(code, reason));
        await using var watch =
            fixture.Client.WatchAsync(CoreResources.Secrets, new ListOptions(), Cancel).GetAsyncEnumerator(Cancel);
        var failure = await Assert.ThrowsAsync<KubernetesApiException>(async () => await watch.MoveNextAsync());
        Assert.Equal((fault, WatchBackoff.MostRefusals), (failure.Fault, fixture.Server.Requests.Count));
    }

    [Fact]
    public async Task WatchAsync_LinesThatAreNoEvents_AreGivenUpWithoutQuotingThem()
    {
        await using Script script = new(EmptyList);
        for (var i = 0; i < 10; i++)
            script.OnWatch(context => context.LineAsync("""{"type":"ADDED","object":{"metadata":"leak-me"}}"""));
        var failure = await Assert.ThrowsAsync<KubernetesApiException>(() => script.TakeAsync(int.MaxValue));
        Assert.Equal(KubernetesFault.BadResponse, failure.Fault);
        Assert.DoesNotContain("leak-me", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WatchAsync_SilentStream_IsOpenedAnew()
    {
        ManualTime time = new();
        var options = ClientFixture.Quick with { WatchIdleTimeout = TimeSpan.FromSeconds(100) };
        await using Script script = new(EmptyList, options, time);
        script.OnWatch(async context =>
        {
            await context.Response.Body.FlushAsync();
            await context.SilenceAsync();
        });
        // Several times, since the clock may also move on after the stream was opened anew.
        for (var i = 0; i < 20; i++)
            script.OnWatch(context => context.LineAsync(Line("ADDED", "b", 16)));
        var taking = script.TakeAsync(3);
        while (!taking.IsCompleted)
        {
            var waiting = time.TimerAsync(delay => delay == options.WatchIdleTimeout || delay <= options.WatchBackoffCap);
            if (await Task.WhenAny(taking, waiting) == waiting)
                time.Advance(options.WatchIdleTimeout);
        }

        Assert.Equal(["Reset", "Synced", "Added b"], await taking);
    }

    /// <summary>
    /// After a restore from an older backup the API server counts on from there, and says nothing to a watch from a later version.
    /// </summary>
    [Fact]
    public async Task WatchAsync_NothingForHalfAnHour_ListsAgain()
    {
        ManualTime time = new();
        var options = ClientFixture.Quick with { WatchIdleTimeout = TimeSpan.FromSeconds(100) };
        await using Script script = new(OneList, options, time);
        for (var i = 0; i < 100; i++)
        {
            script.OnWatch(async context =>
            {
                await context.Response.Body.FlushAsync();
                await context.SilenceAsync();
            });
        }

        var taking = script.TakeAsync(4);
        while (!taking.IsCompleted)
        {
            var waiting = time.TimerAsync(delay => delay == options.WatchIdleTimeout || delay <= options.WatchBackoffCap);
            if (await Task.WhenAny(taking, waiting) == waiting)
                time.Advance(options.WatchIdleTimeout);
        }

        Assert.Equal(["Reset", "Added a", "Synced", "Reset"], await taking);
        Assert.InRange(script.Watches.Count(), 5, 40);
    }

    [Fact]
    public async Task WatchAsync_Cancelled_EndsWithTheCallersCancellation()
    {
        await using Script script = new(EmptyList);
        using CancellationTokenSource caller = new();
        script.OnWatch(async context =>
        {
            await context.Response.Body.FlushAsync();
            await caller.CancelAsync();
            await context.SilenceAsync();
        });
        List<WatchEventKind> seen = [];
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var change in script.Fixture.Client.WatchAsync(CoreResources.Secrets, new ListOptions(), caller.Token))
                seen.Add(change.Kind);
        });
        Assert.Equal([WatchEventKind.Reset, WatchEventKind.Synced], seen);
    }

    private static string Line(string type, string name, int version) =>
        $$$"""{"type":"{{{type}}}","object":{"metadata":{"name":"{{{name}}}","resourceVersion":"{{{version}}}"},"kind":"Secret"}}""";

    /// <summary>One answer for lists, one after the other for watches; the last watch stays silent.</summary>
    private sealed class Script(string list, KubernetesClientOptions? options = null, TimeProvider? time = null) : IAsyncDisposable
    {
        private readonly ConcurrentQueue<Func<HttpContext, Task>> _watches = new();
        private ClientFixture? _fixture;

        public ClientFixture Fixture => _fixture ??= ClientFixture.StartAsync(AnswerAsync, options, time).GetAwaiter().GetResult();

        public IEnumerable<string> Watches =>
            Fixture.Server.Requests.Select(request => request.Url).Where(url => url.Contains("watch=true", StringComparison.Ordinal));

        public IEnumerable<string> Positions => Watches.Select(url => url.Split("resourceVersion=")[1].Split('&')[0]).Take(5);

        public void OnWatch(Func<HttpContext, Task> answer) => _watches.Enqueue(answer);

        public async Task<List<string>> TakeAsync(int count)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            limit.CancelAfter(TimeSpan.FromSeconds(30));
            List<string> seen = [];
            await foreach (var change in Fixture.Client.WatchAsync(
                CoreResources.Secrets, new ListOptions { Namespace = "ns" }, limit.Token))
            {
                seen.Add(change.Value is null ? $"{change.Kind}" : $"{change.Kind} {change.Value.Metadata.Name}");
                if (seen.Count == count)
                    break;
            }

            return seen;
        }

        public ValueTask DisposeAsync() => Fixture.DisposeAsync();

        private Task AnswerAsync(HttpContext context, int count)
        {
            if (!context.Request.Query.ContainsKey("watch"))
                return context.JsonAsync(list);
            return _watches.TryDequeue(out var answer) ? answer(context) : context.SilenceAsync();
        }
    }
}
