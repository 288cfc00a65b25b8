using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests.GitOps;

/// <summary>
/// The health checks of docs/examples/argocd/health-checks.yaml, run by a real Lua 5.1 with no more of its libraries than Argo CD gives:
/// the basic functions and tables, not even those of strings.
/// </summary>
public sealed class HealthCheckTests
{
    private const string Registry = "capi-registry-hook.io/RegistryReady";

    private const string Wanted =
        """{"generation": 2}, "spec": {"topology": {"variables": [{"name": "clusterConfig", "value": {"addons": {"registry": {}}}}]}}""";

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("True", "Ready", "Healthy")]
    [InlineData("True", "StorageKept", "Healthy")]
    [InlineData("True", "CertificateRolling", "Healthy")]
    [InlineData("False", "Installing", "Progressing")]
    [InlineData("False", "Filling", "Progressing")]
    [InlineData("False", "Disabled", "Progressing")]
    [InlineData("False", "CertificateNotServed", "Degraded")]
    [InlineData("False", "ReleaseFailed", "Degraded")]
    [InlineData("False", "InvalidVariable", "Degraded")]
    [InlineData("False", "Refused", "Degraded")]
    [InlineData("Unknown", "Unreachable", "Progressing")]
    [InlineData("Unknown", "Waiting", "Progressing")]
    public async Task Cluster_Provisioned_IsAsItsRegistry(string status, string reason, string health)
    {
        var conditions = $$"""
            "conditions": [{"type": "Available", "status": "False"},
              {"type": "{{Registry}}", "status": "{{status}}", "reason": "{{reason}}", "message": "It is so.", "observedGeneration": 2}]
            """;
        var current = await ClusterAsync(Wanted, $$"""{"phase": "Provisioned", {{conditions}}}""");
        var former = await ClusterAsync(Wanted, $$$"""{"phase": "Provisioned", "v1beta2": {{{{conditions}}}}}""");

        Assert.Equal((health, "It is so."), current);
        Assert.Equal(current, former);
    }

    [Theory]
    [InlineData("""{"phase": "Provisioning"}""", "Progressing")]
    [InlineData("""{"phase": "Deleting"}""", "Progressing")]
    [InlineData("""{"phase": "Failed"}""", "Degraded")]
    [InlineData("{}", "Progressing")]
    // Provisioned, and nobody has looked at the registry yet; or at what was wanted before.
    [InlineData("""{"phase": "Provisioned"}""", "Progressing")]
    [InlineData(
        $$"""{"phase": "Provisioned", "conditions": [{"type": "{{Registry}}", "status": "True", "observedGeneration": 1}]}""",
        "Progressing")]
    // The conditions of v1beta1, whose Ready says whether it is a failure.
    [InlineData("""{"phase": "Provisioned", "conditions": [{"type": "Ready", "status": "False", "severity": "Error"}]}""", "Degraded")]
    [InlineData("""{"phase": "Provisioned", "conditions": [{"type": "Ready", "status": "False", "severity": "Info"}]}""", "Progressing")]
    public async Task Cluster_WithoutAnAnswerOfTheRegistry_IsAsTheCluster(string status, string health) =>
        Assert.Equal(health, (await ClusterAsync(Wanted, status)).Health);

    [Fact]
    public async Task Cluster_ThatWantsNoRegistry_IsHealthyWhenProvisioned()
    {
        const string Plain = """{"generation": 1}, "spec": {"topology": {"variables": [{"name": "clusterConfig", "value": {}}]}}""";
        Assert.Equal("Healthy", (await ClusterAsync(Plain, """{"phase": "Provisioned"}""")).Health);
        Assert.Equal("Healthy", (await ClusterAsync("""{"generation": 1}, "spec": {}""", """{"phase": "Provisioned"}""")).Health);
    }

    [Fact]
    public async Task Cluster_Paused_IsSuspended() => Assert.Equal(
        "Suspended", (await ClusterAsync("""{"generation": 1}, "spec": {"paused": true}""", """{"phase": "Provisioned"}""")).Health);

    [Theory]
    [InlineData("{}", "True", "Complete", 2, "Healthy")]
    [InlineData("{}", "True", "NoClusters", 2, "Healthy")]
    [InlineData("{}", "True", "Complete", 1, "Progressing")]
    [InlineData("{}", "False", "Resolving", 2, "Progressing")]
    [InlineData("{}", "False", "Syncing", 2, "Progressing")]
    [InlineData("{}", "False", "ClustersFailing", 2, "Degraded")]
    [InlineData("{}", "False", "SourceUnavailable", 2, "Degraded")]
    [InlineData("{}", "False", "Invalid", 2, "Degraded")]
    [InlineData("{}", "Unknown", "Resolving", 2, "Progressing")]
    [InlineData("""{"suspend": true}""", "False", "Suspended", 2, "Suspended")]
    public async Task RegistryContent_IsAsItsConditionReady(string spec, string status, string reason, int observed, string health)
    {
        var content = $$"""
            {"metadata": {"generation": 2}, "spec": {{spec}}, "status": {"observedGeneration": {{observed}}, "conditions": [
              {"type": "SourceReady", "status": "True"},
              {"type": "Ready", "status": "{{status}}", "reason": "{{reason}}", "message": "So."}] } }
            """;
        Assert.Equal(health, (await CheckAsync("capi-registry-hook.io_RegistryContent", content)).Health);
    }

    [Fact]
    public async Task RegistryContent_New_IsProgressing()
    {
        const string New = """{"metadata": {"generation": 1}, "spec": {}}""";
        Assert.Equal("Progressing", (await CheckAsync("capi-registry-hook.io_RegistryContent", New)).Health);
    }

    private static Task<(string Health, string Message)> ClusterAsync(string metadataAndSpec, string status) =>
        CheckAsync("cluster.x-k8s.io_Cluster", $$"""{"metadata": {{metadataAndSpec}}, "status": {{status}}}""");

    private static async Task<(string Health, string Message)> CheckAsync(string kind, string item)
    {
        var map = Assert.Single(DeployedChart.Read("argocd/health-checks.yaml"));
        var script = (string)map["data"]![$"resource.customizations.health.{kind}"]!;
        var program = $"""
            local function check(obj)
              string, os, io, math, debug, coroutine = nil
              {script}
            end
            getmetatable("").__index = nil
            local print = print
            local result = check({Lua(JsonNode.Parse(item))})
            print(result.status)
            print(result.message)
            """;
        var output = await ProgramRun.OutputOfAsync(await TestTools.PathOfAsync("lua"), ["-e", program], CancellationToken);
        var lines = output.Split('\n');
        return (lines[0], lines[1]);
    }

    /// <summary>As Lua writes it; the texts of these tests need no escapes but JSON's.</summary>
    private static string Lua(JsonNode? node) => node switch
    {
        null => "nil",
        JsonObject members => $"{{{string.Join(", ", members.Select(member => $"[\"{member.Key}\"] = {Lua(member.Value)}"))}}}",
        JsonArray items => $"{{{string.Join(", ", items.Select(Lua))}}}",
        _ => node.ToJsonString(),
    };
}
