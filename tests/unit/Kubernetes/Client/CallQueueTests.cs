using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Client;

/// <summary>Many calls and watches at once: what is limited, and what waits for what.</summary>
public sealed class CallQueueTests
{
    private const string EmptyList = """{"kind":"SecretList","items":[],"metadata":{"resourceVersion":"10"}}""";

    /// <summary>Of a client that never sends what it should; no result depends on it.</summary>
    private static readonly TimeSpan HangLimit = TimeSpan.FromMinutes(3);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetAsync_HundredAtOnceOnASlowServer_WaitingIsNotTheirTime()
    {
        ManualTime time = new();
        // Each round has a gate of its own: no call takes the answer that is meant for another.
        List<Round> rounds = [.. Enumerable.Range(0, 10).Select(_ => new Round())];
        await using var fixture = await ClientFixture.StartAsync(
            async (context, count) =>
            {
                var round = rounds[(count - 1) / 10];
                round.Arrive();
                await round.Answer.Task.WaitAsync(context.RequestAborted);
                await context.JsonAsync(Answers.SecretJson);
            },
            new KubernetesClientOptions { MaxAttempts = 1, MaxCallsInFlight = 10 },
            time);

        var calls = Enumerable.Range(0, 100).Select(_ => fixture.GetAsync()).ToList();
        foreach (var round in rounds)
        {
            await round.Full.WaitAsync(HangLimit, Cancel);
            // Each attempt may take 3 s, each call 6 s.
            time.Advance(TimeSpan.FromSeconds(2.5));
            round.Answer.SetResult();
        }

        await Task.WhenAll(calls);
        Assert.Equal(100, fixture.Server.Requests.Count);
    }

    [Fact]
    public async Task GetAsync_BesideManyWatches_IsAnswered()
    {
        await using var fixture = await ClientFixture.StartAsync(WatchForeverAsync);
        using CancellationTokenSource end = new();
        var watches = Enumerable.Range(0, 40).Select(index => WatchAsync(fixture.Client, $"ns{index}", end.Token)).ToList();
        await Task.WhenAll(watches.Select(watch => watch.Open));

        Assert.Equal("one", (await fixture.GetAsync()).Metadata.Name);

        await end.CancelAsync();
        foreach (var (_, ended) in watches)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ended);
    }

    [Fact]
    public async Task WithOwnQueue_OtherQueueIsFull_IsAnswered()
    {
        await using var fixture = await ClientFixture.StartAsync(
            (context, _) => context.Request.Path.Value!.EndsWith("/slow", StringComparison.Ordinal)
                ? context.SilenceAsync() : context.JsonAsync(Answers.SecretJson),
            ClientFixture.Quick with { MaxCallsInFlight = 2 });
        using CancellationTokenSource end = new();
        var slow = Enumerable.Range(0, 20)
            .Select(_ => fixture.Client.GetAsync(CoreResources.Secrets, new("ns", "slow"), end.Token)).ToList();

        var other = fixture.Client.WithOwnQueue();
        Assert.Equal("one", (await other.GetAsync(CoreResources.Secrets, ClientFixture.One, Cancel)).Metadata.Name);
        other.Dispose();

        await end.CancelAsync();
        foreach (var call in slow)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal("one", (await fixture.GetAsync()).Metadata.Name);
    }

    private static (Task Open, Task Ended) WatchAsync(KubernetesClient client, string @namespace, CancellationToken end)
    {
        TaskCompletionSource open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        return (open.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancel), Task.Run(RunAsync, Cancel));

        async Task RunAsync()
        {
            await foreach (var change in client.WatchAsync(CoreResources.Secrets, new ListOptions { Namespace = @namespace }, end))
            {
                if (change.Kind == WatchEventKind.Added)
                    open.TrySetResult();
            }
        }
    }

    private static async Task WatchForeverAsync(HttpContext context, int count)
    {
        if (context.Request.Query.ContainsKey("watch"))
        {
            await context.LineAsync("""{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"11"}}}""");
            await context.SilenceAsync();
        }
        else
        {
            await context.JsonAsync(context.Request.Query.ContainsKey("limit") ? EmptyList : Answers.SecretJson);
        }
    }

    /// <summary>Ten calls that are at the server at the same time.</summary>
    private sealed class Round
    {
        private readonly TaskCompletionSource _full = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _arrived;

        public Task Full => _full.Task;

        public TaskCompletionSource Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Arrive()
        {
            if (Interlocked.Increment(ref _arrived) == 10)
                _full.SetResult();
        }
    }
}
