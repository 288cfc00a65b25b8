using System.Text;
using System.Text.Json;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Handlers;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Registry.Enabling;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Unit.Tests.Hooks.Topology;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace CapiRegistryHook.Unit.Tests.Fuzz;

/// <summary>Bodies of every hook, through the endpoint as the web server calls it: what is merely bad is never a 5xx.</summary>
public class HookBodyFuzzTests(ITestOutputHelper output) : FuzzTests(output)
{
    private readonly HookEndpoint _endpoint = new(new HookMetrics(), TimeProvider.System, NullLogger<HookEndpoint>.Instance);

    [Theory]
    [InlineData("BeforeClusterCreate", 15_000)]
    [InlineData("AfterControlPlaneInitialized", 15_000)]
    [InlineData("BeforeClusterUpgrade", 15_000)]
    public void Lifecycle_AnyBody_IsAnsweredOrRefused(string hook, int inputs) =>
        Fuzz(hook, inputs, http => _endpoint.HandleAsync(http, new PlanningHandler(hook)));

    [Theory]
    [InlineData("GeneratePatches", 25_000)]
    [InlineData("ValidateTopology", 20_000)]
    [InlineData("DiscoverVariables", 5_000)]
    public void Topology_AnyBody_IsAnsweredOrRefused(string hook, int inputs)
    {
        var handler = TopologyCall.Handler(hook.ToLowerInvariant());
        Fuzz(hook, inputs, http => _endpoint.HandleAsync(http, handler));
    }

    [Fact]
    public void Discovery_AnyBody_IsAnsweredOrRefused()
    {
        var discovery = HookRoutes.Describe([]);
        Fuzz("Discovery", 5_000, http => _endpoint.DiscoverAsync(http, discovery));
    }

    [Fact]
    public void Admission_AnyBody_IsAnsweredOrRefused()
    {
        var enabling = new AutoEnabling(
            new RegistryOptions { AutoEnable = AutoEnableMode.On }, (_, _, _) => Task.FromResult(ClassSupport.Unknown));
        var handler = new AutoEnableHandler(enabling);
        byte[][] seeds = [.. new[] { "null", "[]", """[{"name":"clusterConfig","value":{"addons":{}}}]""" }.Select(Review)];
        Run(new Fuzzer("admission", seeds, Words.Json), 20_000, 
            body => IsAnswered(body, http => _endpoint.AdmitAsync(http, handler.HandleAsync)));
    }

    private static byte[] Review(string variables) => Encoding.UTF8.GetBytes(
        $$"""
        {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u1","kind":{"group":"cluster.x-k8s.io",
        "version":"v1beta1","kind":"Cluster"},"operation":"CREATE","namespace":"team-a","object":{"apiVersion":"cluster.x-k8s.io/v1beta1",
        "kind":"Cluster","metadata":{"name":"c1","namespace":"team-a"},"spec":{"topology":{"class":"prod","variables": {{variables}} } } } } }
        """);

    private void Fuzz(string hook, int inputs, Func<HttpContext, Task> call)
    {
        byte[][] seeds = [.. RecordedHookRequest.Versions.Select(version => RecordedHookRequest.Load(version, hook).ToBytes())];
        Run(new Fuzzer("hooks", seeds, Words.Json), inputs, body => IsAnswered(body, call));
    }

    private static bool IsAnswered(byte[] body, Func<HttpContext, Task> call)
    {
        using var answer = new MemoryStream();
        var http = new DefaultHttpContext();
        http.Request.Body = new MemoryStream(body);
        http.Response.Body = answer;
        var task = call(http);
        Assert.True(task.IsCompletedSuccessfully, "Nothing to wait for, and nothing thrown.");

        Assert.InRange(http.Response.StatusCode, 200, 499);
        using var json = JsonDocument.Parse(answer.ToArray());
        AssertPresentable(json.RootElement, http.Response.StatusCode);
        return http.Response.StatusCode == StatusCodes.Status200OK;
    }

    /// <summary>A sentence ends up in a condition of the Cluster and in logs: no control characters, no end.</summary>
    private static void AssertPresentable(JsonElement answer, int status)
    {
        var sentence = answer.TryGetProperty(status == StatusCodes.Status200OK ? "message" : "error", out var text)
            ? text.GetString()!
            : answer.TryGetProperty("response", out var response) && response.TryGetProperty("warnings", out var warnings)
            ? warnings[0].GetString()! : "";
        Assert.True(sentence.Length <= 4096, $"{sentence.Length} characters");
        Assert.DoesNotContain(sentence, character => char.IsControl(character) || character is '\u202e' or '\u2028' or '\u2029');
        Assert.Equal(sentence, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(sentence)));
    }

    /// <summary>Does with a Cluster what every lifecycle handler does first, and answers with what is wrong.</summary>
    private sealed class PlanningHandler(string hook) : IHookHandler<HookOutcome.Blocking>
    {
        private static readonly RegistryOptions Options = new() { ChartVersion = "0.1.0" };

        public HookRegistration Registration { get; } = new(hook, timeoutSeconds: 10, FailurePolicy.Fail);

        public HookOutcome.Blocking OutOfTime => HookOutcome.Blocking.Block(TimeSpan.FromSeconds(5), "late");

        public Task<HookOutcome.Blocking> HandleAsync(HookRequest request, CancellationToken cancellationToken) =>
            Task.FromResult(RegistryPlan.Create(request.Cluster, Options) is PlanResult.Invalid invalid
                ? HookOutcome.Blocking.Block(
                    TimeSpan.FromSeconds(1), string.Join(" ", invalid.Problems.Select(problem => problem.Sentence)))
                : HookOutcome.Blocking.Proceed());
    }
}
