using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Dashboard;

/// <summary>The pods of the registry that is real: two of Debian's docker-registry with the certificate that the service issued.</summary>
internal sealed class DashboardReplicas : IAsyncDisposable
{
    private const string Namespace = "registry-system";
    private const int Count = 2;

    private readonly ScratchFolder _folder;
    private readonly List<LocalRegistry> _registries;

    private DashboardReplicas(ScratchFolder folder, List<LocalRegistry> registries, DashboardContent content)
    {
        (_folder, _registries) = (folder, registries);
        Content = content;
    }

    /// <summary>Pushes to the first one.</summary>
    public DashboardContent Content { get; }

    public static async Task<DashboardReplicas> StartAsync(
        EmbeddedApiServer workload, string revision, CancellationToken cancellationToken)
    {
        using var admin = new AdminClient(workload);
        var folder = ScratchFolder.Create("capi-registry-hook-replicas-");
        var secret = await admin.GetAsync(AdminClient.Secrets(Namespace), "registry-tls", cancellationToken);
        foreach (var key in new[] { "tls.crt", "tls.key", "ca.crt" })
            folder.Write(key, Encoding.UTF8.GetString(Convert.FromBase64String((string)secret["data"]![key]!)));
        var registries = new List<LocalRegistry>();
        var ports = Enumerable.Range(0, Count).Select(_ => LoopbackPort.Find()).ToList();
        foreach (var (ordinal, port) in ports.Index())
        {
            Directory.CreateDirectory(folder[$"{ordinal}"]);
            folder.Write($"{ordinal}/config.yml", $$"""
                version: 0.1
                log: { level: info, fields: {} }
                storage: { filesystem: { rootdirectory: {{folder[$"{ordinal}/storage"]}} } }
                http: { addr: "127.0.0.1:{{port}}", secret: fixed, tls: { certificate: {{folder["tls.crt"]}}, key: {{folder["tls.key"]}} } }
                """);
            registries.Add(await LocalRegistry.StartAsync(folder[$"{ordinal}/config.yml"], folder[$"{ordinal}/log"], cancellationToken));
            workload.LeadPod(Namespace, $"registry-{ordinal}", port);
        }

        await DescribeAsync(admin, cancellationToken);
        await AddPodsAsync(admin, revision, cancellationToken);
        return new DashboardReplicas(folder, registries, new DashboardContent(ports[0], folder["ca.crt"]));
    }

    public async ValueTask DisposeAsync()
    {
        Content.Dispose();
        foreach (var registry in _registries)
            await registry.DisposeAsync();
        await _folder.DisposeAsync();
    }

    private static async Task DescribeAsync(AdminClient admin, CancellationToken cancellationToken)
    {
        var stateful = Named("registry");
        stateful["spec"] = new JsonObject { ["replicas"] = Count };
        await admin.CreateAsync($"/apis/apps/v1/namespaces/{Namespace}/statefulsets", stateful, cancellationToken);
        var service = Named("registry-primary");
        service["spec"] = new JsonObject { ["selector"] = new JsonObject { ["statefulset.kubernetes.io/pod-name"] = "registry-0" } };
        await admin.CreateAsync($"/api/v1/namespaces/{Namespace}/services", service, cancellationToken);
        for (var ordinal = 0; ordinal < Count; ordinal++)
        {
            var claim = Named($"data-registry-{ordinal}");
            claim["metadata"]!["labels"] = new JsonObject { ["app.kubernetes.io/instance"] = "registry" };
            claim["spec"] = new JsonObject { ["storageClassName"] = "fast-ssd" };
            claim["status"] = new JsonObject { ["phase"] = "Bound", ["capacity"] = new JsonObject { ["storage"] = "100Gi" } };
            await admin.CreateAsync($"/api/v1/namespaces/{Namespace}/persistentvolumeclaims", claim, cancellationToken);
        }
    }

    /// <summary>The second one has not become ready.</summary>
    private static async Task AddPodsAsync(AdminClient admin, string revision, CancellationToken cancellationToken)
    {
        for (var ordinal = 0; ordinal < Count; ordinal++)
        {
            var pod = Named($"registry-{ordinal}");
            pod["metadata"]!["labels"] = new JsonObject
            {
                ["app.kubernetes.io/instance"] = "registry", ["app.kubernetes.io/component"] = "registry",
            };
            pod["metadata"]!["annotations"] = new JsonObject { ["capi-registry-hook.io/release-revision"] = revision };
            await admin.CreateAsync($"/api/v1/namespaces/{Namespace}/pods", pod, cancellationToken);
            await admin.MergePatchAsync($"/api/v1/namespaces/{Namespace}/pods", $"registry-{ordinal}/status", new JsonObject
            {
                ["status"] = new JsonObject
                {
                    ["phase"] = "Running",
                    ["conditions"] = new JsonArray(
                        new JsonObject { ["type"] = "Ready", ["status"] = ordinal == 0 ? "True" : "False" }),
                },
            }, cancellationToken);
        }
    }

    private static JsonObject Named(string name) => new() { ["metadata"] = new JsonObject { ["name"] = name } };
}
