using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Charts;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;

/// <summary>
/// The service as an admin installs it: the rights and the ExtensionConfig of its chart, its own chart repository, values for all
/// registries.
/// </summary>
internal static class InstalledService
{
    private const string CaSecret = "capi-registry-hook-tls";

    public static async Task<HookService> StartAsync(
        TestEnvironment environment, IWorkloadCluster workload, ScratchFolder folder, JsonObject values, string[] options,
        CancellationToken cancellationToken)
    {
        var kubeconfig = await InstalledAccess.GrantAsync(environment, cancellationToken);
        await ApplyExtensionConfigAsync(environment, cancellationToken);
        values["image"] = ImageValues.Of(await workload.ProvideImageAsync(TestImage.Registry, cancellationToken));
        var sync = values["sync"] as JsonObject ?? (JsonObject)(values["sync"] = new JsonObject())!;
        sync["image"] = ImageValues.Of(await workload.ProvideImageAsync(TestImage.Regsync, cancellationToken));
        // The volumes are folders of the machine, whose disk may be fuller than that of a registry should be.
        var storage = values["storage"] as JsonObject ?? (JsonObject)(values["storage"] = new JsonObject())!;
        storage["highWaterMark"] = 99;
        var port = LoopbackPort.Find();
        var service = await HookService.StartAsync(kubeconfig,
        [
            "--listen", $"127.0.0.1:{port}",
            "--chart-repository", $"oci://{LoopbackAuthority.HostName}:{port}/charts",
            "--chart-ca-secret", $"{HookService.Namespace}/{CaSecret}",
            "--registry-values-file", folder.Write("values.json", values.ToJsonString()),
            .. options,
        ], cancellationToken);
        await PublishAuthorityAsync(environment, service.CertificateAuthorityPem, cancellationToken);
        return service;
    }

    private static async Task ApplyExtensionConfigAsync(TestEnvironment environment, CancellationToken cancellationToken)
    {
        var rendered = await HookChart.RenderAsync(cancellationToken);
        var extension = rendered.Single(item => item.Kind() == "ExtensionConfig");
        await environment.ManagementObjects.CreateAsync(
            "/apis/runtime.cluster.x-k8s.io/v1beta2/extensionconfigs", extension, cancellationToken);
    }

    private static async Task PublishAuthorityAsync(TestEnvironment environment, string pem, CancellationToken cancellationToken) =>
        await environment.ManagementObjects.CreateAsync(AdminClient.Secrets(HookService.Namespace), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = CaSecret },
            ["data"] = new JsonObject { ["ca.crt"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(pem)) },
        }, cancellationToken);
}
