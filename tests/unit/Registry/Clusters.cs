using System.Text.Json;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Unit.Tests.Registry;

/// <summary>Clusters for tests of plans, as JSON because that is how they arrive.</summary>
internal static class Clusters
{
    /// <param name="registry">The settings under addons.registry as JSON; null leaves the variable out.</param>
    /// <param name="network">spec.clusterNetwork as JSON; null leaves it out.</param>
    /// <param name="name">metadata.name.</param>
    public static Cluster With(string? registry = "{}", string? network = null, string name = "c1") => Read($$"""
        {
          "metadata": { "name": "{{name}}", "namespace": "team-a", "uid": "8d53b13a-1537-4b39-910e-2aaf6a9bc625" },
          "spec": {
            "clusterNetwork": {{network ?? "null"}},
            "topology": {
              "version": "v1.33.0",
              "variables": [{{(registry is null ? "" : $$"""{ "name": "clusterConfig", "value": { "addons": { "registry": {{registry}} } } }""")}}]
            }
          }
        }
        """);

    public static Cluster WithServices(params string[] cidrBlocks) =>
        With(network: $$"""{ "services": { "cidrBlocks": {{JsonSerializer.Serialize(cidrBlocks)}} } }""");

    public static Cluster Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        return Cluster.Read(document.RootElement.Clone());
    }

    public static RegistryPlan Plan(Cluster cluster, RegistryOptions? options = null) =>
        Assert.IsType<PlanResult.Wanted>(RegistryPlan.Create(cluster, options ?? new RegistryOptions())).Plan;

    public static string Problems(Cluster cluster, RegistryOptions? options = null) =>
        Problem.Describe(Assert.IsType<PlanResult.Invalid>(RegistryPlan.Create(cluster, options ?? new RegistryOptions())).Problems);
}
