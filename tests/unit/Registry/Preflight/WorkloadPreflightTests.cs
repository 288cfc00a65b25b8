using System.Globalization;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Preflight;
using CapiRegistryHook.Unit.Tests.Kubernetes;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Unit.Tests.Registry.Preflight;

/// <summary>Checks of workload clusters that are large, or say anything.</summary>
public sealed class WorkloadPreflightTests
{
    private const int Services = 3000;

    private static readonly KubernetesClientOptions Limits = ClientFixture.Quick with
    {
        MaxResponseBytes = KubernetesClientOptions.WorkloadResponseBytes,
    };

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>A Service takes one to two kilobytes, and an answer is read up to a megabyte.</summary>
    [Theory]
    [InlineData(Services, PreflightVerdict.Passed)]
    [InlineData(2999, PreflightVerdict.Failed)]
    public async Task CheckAddresses_ThousandsOfServices_AreAllRead(int taken, PreflightVerdict verdict)
    {
        await using var fixture = await ClientFixture.StartAsync((context, _) => AnswerAsync(context, taken), Limits);

        var finding = await WorkloadPreflight.CheckAddressesAsync(fixture.Client, Plan(), CancellationToken);

        Assert.Equal(verdict, finding.Verdict);
        Assert.Contains(taken < Services ? "team-b/s2999" : "free", finding.Sentence, StringComparison.Ordinal);
    }

    /// <summary>Pages without an end, be they full or empty.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public async Task CheckAddresses_EndlessList_IsGivenUp(int perPage)
    {
        await using var fixture = await ClientFixture.StartAsync((context, count) => context.JsonAsync(
            $$$"""{"items":[{{{(perPage == 0 ? "" : Service(count, 0))}}}],"metadata":{"continue":"c{{{count}}}"}}"""), Limits);

        await Assert.ThrowsAsync<KubernetesApiException>(
            () => WorkloadPreflight.CheckAddressesAsync(fixture.Client, Plan(), CancellationToken));

        Assert.InRange(fixture.Server.Requests.Count, 2, 100);
    }

    private static RegistryPlan Plan() =>
        Assert.IsType<PlanResult.Wanted>(RegistryPlan.Create(Clusters.With(), new RegistryOptions())).Plan;

    private static Task AnswerAsync(HttpContext context, int taken)
    {
        var first = int.TryParse(context.Request.Query["continue"], out var start) ? start : 0;
        var end = Math.Min(first + int.Parse(context.Request.Query["limit"]!, CultureInfo.InvariantCulture), Services);
        var items = string.Join(',', Enumerable.Range(first, end - first).Select(index => Service(index, taken)));
        return context.JsonAsync(
            $$$"""{"items":[{{{items}}}],"metadata":{"resourceVersion":"9","continue":"{{{(end < Services ? $"{end}" : "")}}}"}}""");
    }

    private static string Service(int index, int taken) => $$$"""
        {"metadata":{"namespace":"team-b","name":"s{{{index}}}","annotations":{"a":"{{{new string('x', 1500)}}}"}},
         "spec":{"clusterIP":"{{{(index == taken ? "10.96.0.20" : $"10.97.{index / 250}.{index % 250}")}}}"}}
        """;
}
