using CapiRegistryHook.Packaging.Releases;

namespace CapiRegistryHook.Unit.Tests.Packaging;

public sealed class ManifestsTests
{
    private const string Rendered = """
        ---
        # Source: capi-registry-hook/crds/things.yaml
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata:
          name: things.example.com
        spec:
          description: Costs $5 or ${cluster}.
        ---
        # Source: capi-registry-hook/templates/deployment.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: capi-registry-hook
          labels:
            app.kubernetes.io/name: capi-registry-hook
            app.kubernetes.io/managed-by: Helm
            helm.sh/chart: capi-registry-hook-0.1.0
        spec:
          replicas: 2
          template:
            spec:
              containers:
                - name: capi-registry-hook
                  image: registry.example.com/capi-registry-hook:0.1.0
                  args:
                    - --reconciler=On
                    - --variable-name=clusterConfig
                    - --variable-path=addons.registry
                    - "--log-level=Information"
                    - "--rollout=Paced"

        """;

    [Fact]
    public void Components_EveryDocument_HasTheProvidersLabel()
    {
        var documents = Manifests.Components(Rendered).Split("---\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, documents.Length);
        Assert.All(documents, document => Assert.Contains(
            "\n  labels:\n    cluster.x-k8s.io/provider: runtime-extension-capi-registry-hook\n", document, StringComparison.Ordinal));
    }

    [Fact]
    public void Components_DollarsOfTheChart_AreNoVariables() =>
        Assert.Contains("Costs $$5 or $${cluster}.", Manifests.Components(Rendered), StringComparison.Ordinal);

    [Fact]
    public void Components_Numbers_AreVariablesWithoutQuotes() =>
        Assert.Contains("\n  replicas: ${CAPI_REGISTRY_HOOK_REPLICAS:=2}\n", Manifests.Components(Rendered), StringComparison.Ordinal);

    [Fact]
    public void Components_Container_IsCalledManager() =>
        Assert.Contains(
            "- name: manager\n          image: registry.example.com/", Manifests.Components(Rendered), StringComparison.Ordinal);

    [Theory]
    [InlineData("  replicas: 2\n")]
    [InlineData("            - --reconciler=On\n")]
    [InlineData("            - \"--rollout=Paced\"\n")]
    public void Components_LineOfAVariableMissing_Throws(string line) => Assert.Throws<InvalidOperationException>(
        () => Manifests.Components(Rendered.Replace(line, "", StringComparison.Ordinal)));

    [Fact]
    public void Plain_AnyDocument_HasNothingOfHelm()
    {
        var manifests = Manifests.Plain(Rendered);
        Assert.StartsWith("---\napiVersion: v1\nkind: Namespace\n", manifests, StringComparison.Ordinal);
        Assert.DoesNotContain("helm", manifests, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Source", manifests, StringComparison.Ordinal);
        Assert.Contains("app.kubernetes.io/name: capi-registry-hook\nspec:", manifests, StringComparison.Ordinal);
    }
}
