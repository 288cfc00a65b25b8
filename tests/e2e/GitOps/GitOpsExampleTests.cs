using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.GitOps;

/// <summary>
/// The examples of docs/gitops.md: the API server takes the objects for Flux and Argo CD, and what they deploy is what the charts are.
/// </summary>
public sealed class GitOpsExampleTests(GitOpsFixture fixture) : IClassFixture<GitOpsFixture>
{
    private const string Repository = "registry.example.com/charts";

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>Every file is shown, also one that is added later.</summary>
    [Fact]
    public async Task Objects_OfEachExample_AreAccepted()
    {
        var files = new[] { "flux", "argocd" }
            .SelectMany(tool => Directory.GetFiles(Path.Combine(DeployedChart.Examples, tool), "*.yaml", SearchOption.AllDirectories))
            .Where(file => Path.GetFileName(file) != "kustomization.yaml").ToList();
        Assert.True(files.Count >= 11, $"There are only {files.Count}.");
        foreach (var file in files)
        {
            var run = await fixture.ShowAsync(DeployedChart.Read(file));
            Assert.True(run.ExitCode == 0, $"{file}: {run.Errors}");
        }
    }

    [Theory]
    [InlineData("flux/capi-registry-hook/release.yaml", "chartRef:", "chartReference:", "unknown field \"chartReference\"")]
    [InlineData("flux/capi-registry-hook/release.yaml", "remediateLastFailure:", "remediateLast:", "unknown field \"remediateLast\"")]
    [InlineData("flux/capi-registry-hook/repository.yaml", "operation: copy", "operation: keep", "Unsupported value: \"keep\"")]
    [InlineData("flux/registry/repository.yaml", "type: oci", "kind: oci", "unknown field \"kind\"")]
    [InlineData("flux/registry/certificate.yaml", "dnsNames:", "names:", "unknown field \"names\"")]
    [InlineData("flux/applications.yaml", "dependsOn:", "after:", "unknown field \"after\"")]
    [InlineData("argocd/registry.yaml", "targetRevision:", "version:", "unknown field \"version\"")]
    [InlineData("argocd/registry.yaml", "valuesObject:", "valueObject:", "unknown field \"valueObject\"")]
    public async Task Objects_WithAMistake_AreRefused(string file, string right, string wrong, string because)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(DeployedChart.Examples, file), CancellationToken);
        Assert.Contains(right, text, StringComparison.Ordinal);
        var run = await fixture.ShowAsync(text.Replace(right, wrong, StringComparison.Ordinal));
        Assert.Contains(because, run.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("flux/capi-registry-hook", "helm3")]
    [InlineData("flux/capi-registry-hook", "helm4")]
    [InlineData("flux/registry", "helm3")]
    [InlineData("flux/registry", "helm4")]
    public async Task Deployed_NamesTheChartAndItsObjectsAreAccepted(string example, string helm)
    {
        var deployed = await ReadAsync(example);
        var chart = ChartFolder.Open(deployed.Chart);
        var rendered = await RenderAsync(deployed, helm);

        Assert.Equal((string?)chart.Metadata["version"], deployed.Version);
        Assert.Equal(Repository, deployed.Repository);
        Assert.True(rendered.ExitCode == 0, rendered.Errors);
        var objects = RenderedObjects.Read(rendered.Output).Where(item => item.Kind() != "Pod").ToList();
        var run = await fixture.ShowAsync(objects);
        Assert.True(run.ExitCode == 0, run.Errors);
    }

    /// <summary>Helm checks values by the chart's schema, so that an example can't have one that the chart does not know.</summary>
    [Theory]
    [InlineData("flux/capi-registry-hook")]
    [InlineData("flux/registry")]
    [InlineData("argocd/capi-registry-hook.yaml")]
    [InlineData("argocd/registry.yaml")]
    public async Task Values_ThatTheChartDoesNotKnow_AreRefused(string example)
    {
        var deployed = await ReadAsync(example);
        deployed.Values["replicaCount"] = 2;
        Assert.Contains("replicaCount", (await RenderAsync(deployed, "helm3")).Errors, StringComparison.Ordinal);
    }

    /// <summary>Both tools deploy the same, so that what is shown of one holds for the other.</summary>
    [Theory]
    [InlineData("capi-registry-hook")]
    [InlineData("registry")]
    public async Task FluxAndArgo_DeployTheSame(string chart)
    {
        var (flux, argo) = (await ReadAsync($"flux/{chart}"), await ReadAsync($"argocd/{chart}.yaml"));
        Assert.Equal(flux with { Values = [] }, argo with { Values = [] }, EqualityComparer);
        Assert.True(JsonNode.DeepEquals(flux.Values, argo.Values), $"{flux.Values}\n{argo.Values}");
    }

    /// <summary>What a registry of one's own is asked for most: a node port, users, an Ingress, a volume.</summary>
    [Fact]
    public async Task Registry_HasWhatThePageSays()
    {
        var objects = RenderedObjects.Read((await RenderAsync(await ReadAsync("flux/registry"), "helm3")).Output);
        var set = objects.One("StatefulSet", "registry")["spec"]!;
        var secret = (string?)(await ReadFluxAsync("flux/registry")).One("Certificate", "registry")["spec"]!["secretName"];

        Assert.Equal(30500, (long)objects.One("Service", "registry")["spec"]!["ports"]![0]!["nodePort"]!);
        Assert.Equal(["registry-tls", "registry-users"], set["template"]!["spec"]!["volumes"]!.AsArray()
            .Select(volume => (string?)volume!["secret"]?["secretName"]).OfType<string>().Order(StringComparer.Ordinal));
        Assert.Equal("registry-tls", secret);
        Assert.Equal("registry.example.com", (string?)objects.One("Ingress", "registry")["spec"]!["rules"]![0]!["host"]);
        Assert.Equal("20Gi", (string?)set["volumeClaimTemplates"]![0]!["spec"]!["resources"]!["requests"]!["storage"]);
    }

    /// <summary>Argo CD knows a repository by the address that Applications give.</summary>
    [Fact]
    public async Task ArgoRepository_IsThatOfTheApplications()
    {
        var repository = Assert.Single(DeployedChart.Read("argocd/repository.yaml"))["stringData"]!;
        Assert.Equal((await ReadAsync("argocd/registry.yaml")).Repository, (string?)repository["url"]);
    }

    private async Task<DeployedChart> ReadAsync(string example) => example.EndsWith(".yaml", StringComparison.Ordinal)
        ? DeployedChart.OfApplication(Assert.Single(DeployedChart.Read(example))) : DeployedChart.OfFlux(await ReadFluxAsync(example));

    /// <summary>What Flux makes of a folder: kustomize is in kubectl.</summary>
    private async Task<IReadOnlyList<JsonObject>> ReadFluxAsync(string folder) => RenderedObjects.Read(
        await fixture.Kubectl.RunAsync(CancellationToken, "kustomize", Path.Combine(DeployedChart.Examples, folder)));

    private static async Task<ProgramRun> RenderAsync(DeployedChart deployed, string helm)
    {
        await using var folder = ScratchFolder.Create("capi-registry-hook-gitops-");
        return await new HelmProgram(helm, deployed.Release, deployed.Namespace).TryRenderAsync(
            ChartFolder.Open(deployed.Chart).Path, CancellationToken,
            "--values", folder.Write("values.json", deployed.Values.ToJsonString()), "--kube-version", "1.20.2",
            "--api-versions", "monitoring.coreos.com/v1");
    }

    private static EqualityComparer<DeployedChart> EqualityComparer { get; } = EqualityComparer<DeployedChart>.Create(
        (one, other) => one!.ToString() == other!.ToString());
}
