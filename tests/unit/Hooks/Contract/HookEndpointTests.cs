using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Unit.Tests.Kubernetes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace CapiRegistryHook.Unit.Tests.Hooks.Contract;

public sealed class HookEndpointTests
{
    private const string Body = """
        {"apiVersion":"hooks.runtime.cluster.x-k8s.io/v1alpha1","kind":"BeforeClusterCreateRequest","cluster":{"metadata":{"name":"c","namespace":"n"}}}
        """;

    private readonly ManualTime _time = new();
    private readonly HookMetrics _metrics = new();

    [Fact]
    public async Task HandleAsync_HandlerHangs_AnswersTwoSecondsBeforeTheRegisteredTimeout()
    {
        var call = CallAsync(cancellationToken => Task.Delay(Timeout.Infinite, cancellationToken));
        await _time.TimerAsync(delay => delay == TimeSpan.FromSeconds(8));

        _time.Advance(TimeSpan.FromSeconds(7.9));
        Assert.False(call.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.2));

        var (status, answer) = await call;
        Assert.Equal(1, _metrics.Of("BeforeClusterCreate").Count(CallOutcome.Blocked));
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1], _metrics.Of("BeforeClusterCreate").CumulativeCounts());
        Assert.Equal(
            (200, "Success", "late", 5),
            (status, (string?)answer["status"], (string?)answer["message"], (int)answer["retryAfterSeconds"]!));
    }

    [Fact]
    public async Task HandleAsync_HandlerThrows_Is500WithAFixedBodyThatLeaksNothing()
    {
        var (status, answer) = await CallAsync(_ => throw new InvalidOperationException("hunter2"));

        Assert.Equal(1, _metrics.Of("BeforeClusterCreate").Count(CallOutcome.Error));
        Assert.Equal(500, status);
        Assert.Equal("""{"error":"An unexpected fault; see the log of this service."}""", answer.ToJsonString());
    }

    private async Task<(int Status, JsonNode Answer)> CallAsync(Func<CancellationToken, Task> work)
    {
        using var answer = new MemoryStream();
        var http = new DefaultHttpContext();
        http.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(Body));
        http.Response.Body = answer;
        await new HookEndpoint(_metrics, _time, NullLogger<HookEndpoint>.Instance).HandleAsync(http, new Handler(work));
        return (http.Response.StatusCode, JsonNode.Parse(answer.ToArray())!);
    }

    private sealed class Handler(Func<CancellationToken, Task> work) : IHookHandler<HookOutcome.Blocking>
    {
        public HookRegistration Registration { get; } = new("BeforeClusterCreate", timeoutSeconds: 10, FailurePolicy.Fail);

        public HookOutcome.Blocking OutOfTime => HookOutcome.Blocking.Block(TimeSpan.FromSeconds(5), "late");

        public async Task<HookOutcome.Blocking> HandleAsync(HookRequest request, CancellationToken cancellationToken)
        {
            await work(cancellationToken);
            return HookOutcome.Blocking.Proceed();
        }
    }
}
