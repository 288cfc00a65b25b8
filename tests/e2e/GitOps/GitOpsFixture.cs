using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.GitOps;

/// <summary>An API server with the definitions of Flux, Argo CD and of what the charts make, and the namespaces of the examples.</summary>
public sealed class GitOpsFixture : IAsyncLifetime
{
    private static readonly string[] Namespaces = ["capi-registry-hook-system", "registry", "argocd", "flux-system"];

    private RealApiServer _server = null!;

    /// <summary>kubectl for the API server.</summary>
    public KubectlProgram Kubectl { get; private set; } = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await RealApiServer.StartAsync(
            "gitops", await KubernetesBinaries.EnsureAsync(Console.Error, CancellationToken), CancellationToken);
        Kubectl = await KubectlProgram.ForAsync(_server, CancellationToken);
        await Kubectl.InstallDefinitionsAsync(CancellationToken);
        await Kubectl.InstallDefinitionsAsync(CancellationToken, "gitops");
        foreach (var name in Namespaces)
        {
            await Kubectl.RunAsync(CancellationToken, "create", "namespace", name);
            await Kubectl.RunAsync(CancellationToken, "create", "serviceaccount", "default", $"--namespace={name}");
        }
    }

    /// <summary>Shows objects to the API server, which refuses unknown fields too.</summary>
    public Task<ProgramRun> ShowAsync(IEnumerable<JsonObject> objects)
    {
        var items = objects.Select(item => item.DeepClone());
        var list = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "List", ["items"] = new JsonArray([.. items]) };
        return ShowAsync(list.ToJsonString());
    }

    /// <summary>The same for text.</summary>
    public Task<ProgramRun> ShowAsync(string manifests) =>
        Kubectl.TryAsync(manifests, CancellationToken, "apply", "--dry-run=server", "--filename=-");

    public async ValueTask DisposeAsync()
    {
        if (Kubectl is not null)
            await Kubectl.DisposeAsync();
        if (_server is not null)
            await _server.DisposeAsync();
    }
}
