using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Client;

/// <summary>Many calls and watches at once: what is limited, and what waits for what.</summary>
public sealed class CallQueueTests
{
    private const string EmptyList = """{"kind":"SecretList","items":[],"metadata":{"resourceVersion":"10"}}""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetAsync_HundredAtOnceOnASlowServer_WaitingIsNotTheirTime()
    {
        ManualTime time = new();
        using SemaphoreSlim arrived = new(0);
        using SemaphoreSlim answers = new(0);
        await using var fixture = await ClientFixture.StartAsync(
            async (context, _) =>
            {
                arrived.Release();
                await answers.WaitAsync(context.RequestAborted);
                await context.JsonAsync(Answers.SecretJson);
            },
            new KubernetesClientOptions { MaxAttempts = 1, MaxCallsInFlight = 10 },
            time);

        var calls = Enumerable.Range(0, 100).Select(_ => fixture.GetAsync()).ToList();
        for (var round = 0; round < 10; round++)
        {
            for (var call = 0; call < 10; call++)
                Assert.True(await arrived.WaitAsync(TimeSpan.FromSeconds(30), Cancel), $"only {call} calls of round {round} arrived");
            // Each attempt may take 3 s, each call 6 s.
            time.Advance(TimeSpan.FromSeconds(2.5));
            answers.Release(10);
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
}
