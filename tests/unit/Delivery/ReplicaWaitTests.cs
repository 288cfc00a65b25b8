using System.Net;
using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Delivery.Pushing;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Unit.Tests.Content;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Delivery;

/// <summary>Whatever replicas answer, the wait ends at its limit with a line for each that does not serve everything.</summary>
public sealed class ReplicaWaitTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private static readonly byte[] Index =
        """{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"""u8.ToArray();
    private static readonly Digest Wanted = Digest.Compute(Index);

    private readonly ManualTime _time = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_TwoReplicasThatDoNotServe_NamesBothWithTheirReasons()
    {
        using var target = Target(new MemoryRegistry(), new SilentHandler());

        var run = RunAsync(target);
        await _time.TimerAsync(delay => delay == ReplicaWait.Pause);
        _time.Advance(Limit);

        Assert.Equal(
            [
                "The replica registry-0 does not serve 1 of 1 after 10 s, docker.io/a/b:1 among them: a/b:1 is missing.",
                "The replica registry-1 does not serve 1 of 1 after 10 s, docker.io/a/b:1 among them: It has not answered.",
            ],
            await run);
    }

    [Fact]
    public async Task Run_ContentComesWithinTheLimit_IsComplete()
    {
        var registry = new MemoryRegistry();
        using var target = Target(registry);

        var run = RunAsync(target);
        await _time.TimerAsync(delay => delay == ReplicaWait.Pause);
        Serve(registry);
        _time.Advance(ReplicaWait.Pause);

        Assert.Empty(await run);
    }

    [Fact]
    public async Task Run_ReplicaThatNeverAnswers_EndsAtTheLimit()
    {
        using var target = Target(new SilentHandler());

        var run = RunAsync(target);
        _time.Advance(Limit);

        Assert.Equal("The replica registry-0 does not serve 1 of 1 after 10 s, docker.io/a/b:1 among them: It has not answered.",
            Assert.Single(await run));
    }

    [Theory]
    [InlineData(HttpStatusCode.OK, "not a manifest")]
    [InlineData(HttpStatusCode.OK, """{"schemaVersion":2,"manifests":[{"digest":"../../x","size":-1}]}""")]
    [InlineData(HttpStatusCode.Found, "")]
    [InlineData(HttpStatusCode.Forbidden, """{"errors":[{"code":"DENIED","message":"no\nregistry-9 is fine\u001b[31m"}]}""")]
    [InlineData(HttpStatusCode.BadRequest, """{"errors":{"0":[]}}""")]
    [InlineData(HttpStatusCode.InternalServerError, "<html>")]
    public async Task Run_HostileAnswers_AreOnePrintableLineAtTheLimit(HttpStatusCode status, string body)
    {
        var registry = new MemoryRegistry { Fault = _ => new HttpResponseMessage(status) { Content = new StringContent(body) } };
        using var target = Target(registry);

        var run = RunAsync(target);
        await _time.TimerAsync(delay => delay == ReplicaWait.Pause);
        _time.Advance(Limit);

        var line = Assert.Single(await run);
        Assert.StartsWith("The replica registry-0 does not serve 1 of 1 after 10 s, docker.io/a/b:1 among them: ", line,
            StringComparison.Ordinal);
        Assert.DoesNotContain(line, char.IsControl);
    }

    [Fact]
    public async Task Run_Cancelled_EndsWithoutAResult()
    {
        using var end = new CancellationTokenSource();
        using var target = Target(new SilentHandler());

        var run = new ReplicaWait(Limit, 2, _time).RunAsync(target, Expected(), end.Token);
        await end.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    private static void Serve(MemoryRegistry registry) =>
        registry.AddManifest("a/b", "1", Index, "application/vnd.oci.image.index.v1+json");

    private static IReadOnlyList<ExpectedContent> Expected() => [new ExpectedContent("docker.io/a/b:1", "a/b", "1", Wanted)];

    private Task<IReadOnlyList<string>> RunAsync(RegistryTarget target) =>
        new ReplicaWait(Limit, 2, _time).RunAsync(target, Expected(), Cancelled);

    private RegistryTarget Target(params HttpMessageHandler[] registries)
    {
        var options = new RegistryOptions { Time = _time, Retry = new RetryPolicy(1, TimeSpan.Zero, TimeSpan.Zero) };
        return new RegistryTarget("default/one", MirrorRule.ByPath, [.. registries.Select((registry, ordinal) =>
            new RegistryReplica($"registry-{ordinal}", new Uri("https://registry.test/"), registry, options))], primary: 0);
    }

    private sealed class SilentHandler : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            throw new InvalidOperationException("An endless wait ended.");
        }
    }
}
