using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Handlers;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Unit.Tests.Registry;

namespace CapiRegistryHook.Unit.Tests.Hooks;

/// <summary>What ValidateTopology accepts, the lifecycle hooks and the chart's schema accept too; and the other way round.</summary>
public sealed class ValidationAgreementTests
{
    private const int Seed = 20260501;
    private const int Cases = 400;

    private static readonly string[] Quantities =
        ["1e12", "100000u", "5n", "1E3", "50Gi", "100m", "1.5Ti", "0", "0.0", "2", "7K", "3k", "9Ei", "1Mi", "", "-1", "1 Gi", "1e99",
            "0.001m"];

    private static readonly string[] Names = ["fast", "fast.disks", "a", "Fast", "-a", "a_b", new('a', 253), new('a', 64), ""];
    private static readonly string[] Addresses = ["10.96.0.30", "10.96.0.0", "10.96.0.1", "10.96.0.20", "192.0.2.1", "fd00::1", "x",
        "010.96.0.30"];
    private static readonly string[] Algorithms = ["ECDSA-P256", "RSA-2048", "rsa-2048", "ED25519"];

    [Theory]
    [InlineData("""{ "storage": { "size": "1e12" } }""")]
    [InlineData("""{ "resources": { "requests": { "cpu": "100000u" } } }""")]
    public void Answer_QuantityThatTheChartRefuses_IsRefused(string settings)
    {
        var answer = Validate(settings);

        Assert.False(answer.IsSuccess);
        Assert.Contains("is no Kubernetes quantity", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Answer_GeneratedSettings_AgreesWithTheHooks()
    {
        var random = new Random(Seed);
        var accepted = 0;
        for (var index = 0; index < Cases; index++)
        {
            var settings = Settings(random).ToJsonString();
            var plan = RegistryPlan.Create(Clusters.With(settings), new RegistryOptions());

            Assert.True(Validate(settings).IsSuccess == plan is PlanResult.Wanted, settings);
            // The rules of the variable alone refuse all that the chart would: its schema is the second line of defence.
            if (plan is PlanResult.Invalid invalid)
                Assert.DoesNotContain(invalid.Problems, problem => problem.Field.StartsWith("values.", StringComparison.Ordinal));
            else
                accepted++;
        }

        Assert.InRange(accepted, Cases / 20, Cases * 19 / 20);
    }

    private static TopologyAnswer Validate(string settings)
    {
        using var response = new PooledBytes();
        var request = $$"""
            {
              "apiVersion": "hooks.runtime.cluster.x-k8s.io/v1alpha1",
              "kind": "ValidateTopologyRequest",
              "variables": [
                { "name": "builtin", "value": { "cluster": { "name": "c1", "namespace": "team-a", "uid": "u" } } },
                { "name": "clusterConfig", "value": { "addons": { "registry": {{settings}} } } }
              ],
              "items": []
            }
            """;
        return new ValidateTopologyHandler(new RegistryOptions()).Answer(Encoding.UTF8.GetBytes(request), response);
    }

    private static JsonObject Settings(Random random)
    {
        var settings = new JsonObject();
        if (random.Next(3) == 0)
            settings["replicas"] = random.Next(0, 12);
        if (random.Next(2) == 0)
            settings["storage"] = Some(random, ("size", Quantities), ("storageClassName", Names));
        if (random.Next(2) == 0)
            settings["resources"] = new JsonObject
            {
                ["requests"] = Some(random, ("cpu", Quantities), ("memory", Quantities)),
                ["limits"] = Some(random, ("cpu", Quantities)),
            };
        if (random.Next(4) == 0)
            settings["addresses"] = new JsonObject { ["pull"] = new JsonArray(Pick(random, Addresses)) };
        if (random.Next(4) == 0)
            settings["certificate"] = Some(random, ("algorithm", Algorithms));
        if (random.Next(4) == 0)
            settings["auth"] = new JsonObject { ["secretRef"] = new JsonObject { ["name"] = Pick(random, Names) } };
        return settings;
    }

    private static JsonObject Some(Random random, params (string Name, string[] Values)[] fields) =>
        new(fields.Where(_ => random.Next(3) == 0)
            .Select(field => KeyValuePair.Create<string, JsonNode?>(field.Name, Pick(random, field.Values))));

    private static string Pick(Random random, string[] values) => values[random.Next(values.Length)];
}
