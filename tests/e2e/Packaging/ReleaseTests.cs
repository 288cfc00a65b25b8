using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Packaging.Releases;
using CapiRegistryHook.Registry.Chart;

namespace CapiRegistryHook.EndToEnd.Tests.Packaging;

/// <summary>Every file of a release, from a dry run of <c>make release</c>.</summary>
public sealed partial class ReleaseTests(DryRun dryRun) : IClassFixture<DryRun>
{
    private const string ProviderLabel = "cluster.x-k8s.io/provider";
    private const string Provider = "runtime-extension-capi-registry-hook";
    private const string Namespace = "capi-registry-hook-system";

    /// <summary>What <c>clusterctl</c> creates first; everything else follows as it stands.</summary>
    private static readonly string[] CreatedFirst = ["Namespace", "CustomResourceDefinition", "Secret", "ConfigMap", "ServiceAccount"];

    private static readonly string[] ClusterScoped =
    [
        "Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "ExtensionConfig", "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
    ];

    private static readonly string[] LaterFields = ["nodeTaintsPolicy", "unhealthyPodEvictionPolicy", "x-kubernetes-validations"];

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Checksums_OfAllFiles_AreRight()
    {
        var run = await ProgramRun.RunAsync("/bin/bash", ["-c", $"cd '{DryRun.Folder}' && sha256sum --check --strict SHA256SUMS"],
            CancellationToken);
        Assert.Equal(0, run.ExitCode);
        var listed = DryRun.Read("SHA256SUMS").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line[66..]);
        var present = Directory.GetFiles(DryRun.Folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(DryRun.Folder, file)).Where(file => file != "SHA256SUMS");
        Assert.Equal(present.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("helm3", "capi-registry-hook")]
    [InlineData("helm4", "capi-registry-hook")]
    [InlineData("helm3", "registry")]
    [InlineData("helm4", "registry")]
    public async Task Charts_Packed_LintAndRenderLikeTheirFolders(string tool, string chart)
    {
        var archive = Path.Combine(DryRun.Folder, $"{chart}-{ServiceVersion.Text}.tgz");
        var folder = ChartFolder.Open(chart);
        var helm = new HelmProgram(tool);
        var lint = await helm.LintAsync(archive, folder.CaseFiles[0], CancellationToken);

        Assert.True(lint.ExitCode == 0, lint.Output + lint.Errors);
        Assert.Equal(await helm.RenderAsync(folder.Path, CancellationToken), await helm.RenderAsync(archive, CancellationToken));
    }

    /// <summary>What charts/released gets after a release is what the service served.</summary>
    [Fact]
    public void RegistryChart_IsTheLayerThatTheServiceServes()
    {
        var released = OciChart.Read(File.ReadAllBytes(Path.Combine(DryRun.Folder, $"registry-{ServiceVersion.Text}.tgz")));
        Assert.Equal(OciChart.Shipped.FindManifest(ServiceVersion.Text)!.Digest, released.FindManifest(ServiceVersion.Text)!.Digest);
    }

    [Fact]
    public async Task Components_InTheOrderOfClusterctl_ApplyToAnApiServer()
    {
        // Its own: clusterctl creates what is not there, and other tests apply the same objects.
        await using var server = await DryRun.StartServerAsync("components", CancellationToken);
        await using var kubectl = await KubectlProgram.ForAsync(server, CancellationToken);
        await kubectl.InstallDefinitionsAsync(CancellationToken);
        var objects = RenderedObjects.Read(Substitute(DryRun.Read("runtime-extension-components.yaml"), []));
        var ordered = objects.OrderBy(item => Array.IndexOf(CreatedFirst, item.Kind()) is >= 0 and var place ? place : CreatedFirst.Length);
        foreach (var item in ordered.Select(ForThisServer))
        {
            var created = await kubectl.TryAsync(item.ToJsonString(), CancellationToken, "create", "--filename=-");
            Assert.True(created.ExitCode == 0, $"{item.Kind()} {item.Name()}: {created.Errors}");
        }

        // The way clusterctl removes a provider.
        var kinds = string.Join(',', objects.Select(item => item.Kind()).Distinct().Where(kind => kind != "Namespace"));
        var removed = await kubectl.RunAsync(
            CancellationToken, "delete", kinds, "--all-namespaces", $"--selector={ProviderLabel}={Provider}", "--wait=false");
        Assert.Equal(objects.Count - 1, removed.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public void Components_KeepToTheContractOfClusterctl()
    {
        var objects = RenderedObjects.Read(Substitute(DryRun.Read("runtime-extension-components.yaml"), []));
        var deployment = objects.One("Deployment", "capi-registry-hook");

        Assert.Equal(Namespace, objects.Single(item => item.Kind() == "Namespace").Name());
        Assert.All(objects, item => Assert.Equal(Provider, (string?)item["metadata"]!["labels"]![ProviderLabel]));
        Assert.All(objects, item => Assert.Equal(
            ClusterScoped.Contains(item.Kind()) ? null : Namespace, (string?)item["metadata"]!["namespace"]));
        Assert.Equal("manager", (string?)deployment["spec"]!["template"]!["spec"]!["containers"]![0]!["name"]);
        Assert.Equal("cert-manager.io/v1", (string?)objects.One("Certificate", "capi-registry-hook")["apiVersion"]);
        Assert.True(objects.Has("ExtensionConfig", "capi-registry-hook"));
    }

    /// <summary>Each variable has a default, stands in docs/install.md with it, and reaches the Deployment.</summary>
    [Fact]
    public void Components_Variables_ReachTheDeployment()
    {
        var text = DryRun.Read("runtime-extension-components.yaml");
        var page = File.ReadAllText(Path.Combine(RepositoryRoot.Find(), "docs", "install.md"));
        Dictionary<string, string> values = new()
        {
            ["REPLICAS"] = "3", ["RECONCILER"] = "Off", ["VARIABLE_NAME"] = "platform", ["VARIABLE_PATH"] = "images",
            ["LOG_LEVEL"] = "Debug", ["ROLLOUT"] = "OnUpgrade",
        };
        var deployment = RenderedObjects.Read(Substitute(text, values)).One("Deployment", "capi-registry-hook").ToJsonString();

        Assert.Equal(values.Keys.Order(), Variable().Matches(text).Select(match => match.Groups[1].Value).Order());
        Assert.All(Variable().Matches(text), match => Assert.Contains(
            $"| `CAPI_REGISTRY_HOOK_{match.Groups[1].Value}` | `{match.Groups[2].Value}` |", page, StringComparison.Ordinal));
        Assert.Contains("\"replicas\":3,", deployment, StringComparison.Ordinal);
        Assert.All((string[])["--reconciler=Off", "--variable-name=platform", "--variable-path=images", "--log-level=Debug",
            "--rollout=OnUpgrade"], argument => Assert.Contains($"\"{argument}\"", deployment, StringComparison.Ordinal));
    }

    [Fact]
    public void Metadata_HasTheSeriesOfTheVersion()
    {
        var metadata = RenderedObjects.Read(DryRun.Read("metadata.yaml"))[0];
        var series = metadata["releaseSeries"]!.AsArray().Single(entry => (long)entry!["major"]! == 0 && (long)entry["minor"]! == 1)!;
        Assert.Equal("clusterctl.cluster.x-k8s.io/v1alpha3", (string?)metadata["apiVersion"]);
        Assert.Equal("v1beta2", (string?)series["contract"]);
    }

    [Theory]
    [InlineData("default")]
    [InlineData("self-managed")]
    public async Task Kustomization_ComposedByAnOverlay_AppliesToAnApiServer(string name)
    {
        await using var shell = new DocumentationShell();
        shell.AddProgram("kubectl", await TestTools.PathOfAsync("kubectl"));
        var overlay = DocumentationPage.Read("docs/install.md").Under("kustomize", "yaml")[0];
        Directory.CreateDirectory(shell["config"]);
        Directory.CreateSymbolicLink(shell["base"], Path.Combine(DryRun.Folder, "config"));
        shell.Write("config/kustomization.yaml", overlay.Replace("artifacts/release/config/default", $"../base/{name}",
            StringComparison.Ordinal));

        var objects = RenderedObjects.Read(await shell.RunAsync("kubectl kustomize --load-restrictor=LoadRestrictionsNone config",
            CancellationToken));
        var input = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "List",
            ["items"] = new JsonArray([.. objects.Select(ForThisServer)]),
        }.ToJsonString();
        var applied = await dryRun.Kubectl.TryAsync(input, CancellationToken, "apply", "--filename=-");
        var deployment = objects.One("Deployment", "capi-registry-hook");

        Assert.True(applied.ExitCode == 0, applied.Errors);
        Assert.Equal($"registry.internal/platform/capi-registry-hook:{ServiceVersion.Text}",
            (string?)deployment["spec"]!["template"]!["spec"]!["containers"]![0]!["image"]);
        Assert.Equal(3L, (long?)deployment["spec"]!["replicas"]);
        Assert.Equal(name == "default", objects.Has("Certificate", "capi-registry-hook"));
    }

    [Fact]
    public void Notes_AreThoseOfTheChangelog()
    {
        var notes = DryRun.Read("RELEASE_NOTES.md");
        Assert.StartsWith($"# CapiRegistryHook {ServiceVersion.Text}\n", notes, StringComparison.Ordinal);
        Assert.Contains(File.ReadAllText(Path.Combine(BuiltImage.Artifacts, "digest")).Trim(), notes, StringComparison.Ordinal);
        Assert.Contains("### Fixed", notes, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("v1.2.3")]
    public async Task Make_NoVersion_IsRefused(string version)
    {
        var run = await DryRun.MakeAsync(version);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("make release VERSION=1.2.3", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_VersionThatTheSourcesDoNotHave_IsRefused()
    {
        await using var output = ScratchFolder.Create("capi-registry-hook-release-");
        var release = new ReleaseFolder(RepositoryRoot.Find(), "9.9.9", "registry.example.com", IsDryRun: true);
        var refused = Assert.Throws<InvalidOperationException>(() => release.Write(BuiltImage.Artifacts, "/nowhere", output.Path));
        Assert.StartsWith("Directory.Build.props does not have '<VersionPrefix>9.9.9</VersionPrefix>'", refused.Message,
            StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(output.Path));
    }

    /// <summary>As clusterctl does: <c>${NAME:=default}</c> is a variable, <c>$$</c> a dollar.</summary>
    private static string Substitute(string text, Dictionary<string, string> values)
    {
        var filled = Variable().Replace(text, match => values.GetValueOrDefault(match.Groups[1].Value, match.Groups[2].Value));
        Assert.DoesNotContain("$", filled.Replace("$$", "", StringComparison.Ordinal), StringComparison.Ordinal);
        return filled.Replace("$$", "$", StringComparison.Ordinal);
    }

    /// <summary>
    /// Kubernetes 1.20 has budgets in an older version only, and not all fields; the manifests are for later ones.
    /// </summary>
    private static JsonObject ForThisServer(JsonObject item)
    {
        var known = (JsonObject)item.DeepClone();
        if (known.Kind() == "PodDisruptionBudget")
            known["apiVersion"] = "policy/v1beta1";
        RemoveLaterFields(known);
        return known;
    }

    private static void RemoveLaterFields(JsonNode? node)
    {
        foreach (var field in LaterFields)
            (node as JsonObject)?.Remove(field);
        foreach (var child in node is JsonObject map ? map.Select(field => field.Value) : node as JsonArray ?? [])
            RemoveLaterFields(child);
    }

    [GeneratedRegex(@"\$\{CAPI_REGISTRY_HOOK_([A-Z_]+):=([^}]*)\}")]
    private static partial Regex Variable();
}
