using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Demo;

/// <summary>The objects of the walkthrough on both clusters, each with a line for a person.</summary>
internal sealed class Inventory
{
    private readonly Dictionary<string, (string Version, string Description)> _objects = [];

    public static async Task<Inventory> ReadAsync(TestEnvironment environment, TestCluster cluster, CancellationToken cancellationToken)
    {
        var inventory = new Inventory();
        inventory.Add("management", "Secret", await environment.ManagementObjects.FindAsync(
            AdminClient.Secrets(HookService.Namespace), "registry-addon-root-ca", cancellationToken));
        inventory.Add("management", "Secret", await environment.ManagementObjects.FindAsync(
            AdminClient.Secrets(cluster.Namespace), $"{cluster.Name}-registry-addon-ca", cancellationToken));
        inventory.Add("workload", "Secret",
            await environment.WorkloadObjects.FindAsync(AdminClient.Secrets("registry-system"), "registry-tls", cancellationToken));
        inventory.Add("management", "HelmChartProxy", await environment.ManagementObjects.FindAsync(
            AdminClient.ChartProxies(cluster.Namespace), $"{cluster.Name}-registry", cancellationToken));
        return inventory;
    }

    /// <summary>What appeared or changed since an earlier look; empty when nothing.</summary>
    public IReadOnlyList<string> ChangesSince(Inventory earlier) =>
        [.. _objects.Where(entry => !earlier._objects.TryGetValue(entry.Key, out var former) || former.Version != entry.Value.Version)
            .Select(entry =>
                $"{(earlier._objects.ContainsKey(entry.Key) ? "changed" : "new    ")} {entry.Key}: {entry.Value.Description}")];

    private void Add(string side, string kind, JsonObject? item)
    {
        if (item is null)
            return;
        var metadata = item["metadata"]!;
        _objects[$"{kind} {metadata["namespace"]}/{metadata["name"]} ({side})"] =
            ((string)metadata["resourceVersion"]!, kind == "Secret" ? DescribeSecret(item) : DescribeChart(item));
    }

    private static string DescribeSecret(JsonObject secret)
    {
        var data = (JsonObject)secret["data"]!;
        var keys = string.Join(", ", data.Select(entry => entry.Key));
        using var certificate = X509Certificate2.CreateFromPem(
            Encoding.ASCII.GetString(Convert.FromBase64String((string)(data["tls.crt"] ?? data["ca.crt"])!)));
        return $"{keys}; {certificate.Subject} signed by {certificate.Issuer}, until "
            + $"{certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}, serial …{certificate.SerialNumber[^8..].ToLowerInvariant()}";
    }

    private static string DescribeChart(JsonObject proxy) =>
        $"installs chart {proxy["spec"]!["chartName"]} {proxy["spec"]!["version"]} from {proxy["spec"]!["repoURL"]}";
}
