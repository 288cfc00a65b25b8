using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Unit.Tests.Registry.Contents;

public sealed class ContentSelectionTests
{
    private static readonly Dictionary<string, string> Labels = new() { ["env"] = "prod", ["tier"] = "edge" };

    [Theory]
    [InlineData("env", "In", "prod", true)]
    [InlineData("env", "In", "test", false)]
    [InlineData("site", "In", "prod", false)]
    [InlineData("env", "NotIn", "prod", false)]
    [InlineData("env", "NotIn", "test", true)]
    [InlineData("site", "NotIn", "test", true)]
    [InlineData("env", "Exists", null, true)]
    [InlineData("site", "Exists", null, false)]
    [InlineData("env", "DoesNotExist", null, false)]
    [InlineData("site", "DoesNotExist", null, true)]
    [InlineData("env", "Near", "prod", false)]
    public void Matches_OneRequirement_IsAsInKubernetes(string key, string @operator, string? value, bool matches) => Assert.Equal(
        matches, new ClusterSelector(MatchExpressions: [new LabelRequirement(key, @operator, value is null ? null : [value])]).Matches(
            Labels));

    [Fact]
    public void Matches_AllRequirements_HaveToHold()
    {
        var labels = new Dictionary<string, string> { ["env"] = "prod" };

        Assert.True(new ClusterSelector(labels, [new LabelRequirement("tier", "Exists")]).Matches(Labels));
        Assert.False(new ClusterSelector(labels, [new LabelRequirement("site", "Exists")]).Matches(Labels));
        Assert.True(new ClusterSelector().Matches(null));
        Assert.False(new ClusterSelector(labels).Matches(null));
    }

    [Theory]
    [InlineData("team-a", false, "team-a", true)]
    [InlineData("team-a", false, "team-b", false)]
    [InlineData("team-a", true, "team-b", false)]
    [InlineData("team-a", true, "team-a", false)]
    [InlineData("platform", false, "team-b", false)]
    [InlineData("platform", true, "team-b", true)]
    public void Selects_ClusterOfANamespace_IsTheContentsOwnUnlessShared(string of, bool allNamespaces, string cluster, bool selects) =>
        Assert.Equal(selects, new ContentSelection(["platform"]).Selects(
            Content(of, allNamespaces: allNamespaces), new ClusterKey(cluster, "c"), Labels));

    [Fact]
    public void Selects_InvalidOrDeletedContent_IsForNobody()
    {
        var selection = new ContentSelection([]);
        var content = Content("team-a");

        Assert.False(selection.Selects(content with { Spec = content.Spec! with { Lock = null } }, new ClusterKey("team-a", "c"), Labels));
        Assert.False(selection.Selects(
            content with { Metadata = content.Metadata with { DeletionTimestamp = DateTimeOffset.UnixEpoch } },
            new ClusterKey("team-a", "c"), Labels));
    }

    [Theory]
    [InlineData("v1.35.2", "v1.35.2", true)]
    [InlineData("v1.35.2", "1.35.2", true)]
    [InlineData("v1.35.2", "v1.35.2+build.1", true)]
    [InlineData("v1.35.2", "v1.35.20", false)]
    [InlineData("v1.35", "v1.35.2", true)]
    [InlineData("v1.35", "v1.35.2+build.1", true)]
    [InlineData("v1.3", "v1.35.2", false)]
    [InlineData("v1.35.2", "v1.35", false)]
    [InlineData("v1.35.2", "v1.35.2-rc.1", false)]
    public void IsNeededFor_Version_MatchesItOrItsMinor(string listed, string target, bool needed)
    {
        var content = Content("team-a");
        Assert.Equal(
            needed, ContentSelection.IsNeededFor(content with { Spec = content.Spec! with { KubernetesVersions = [listed] } }, target));
        Assert.False(ContentSelection.IsNeededFor(content, target));
    }

    [Fact]
    public void TagOf_NamesWithDots_DiffersForEachContent()
    {
        Assert.Equal("team-a.base.v1", ContentArtifact.TagOf(new ContentKey("team-a", "base.v1")));
        Assert.Equal(127, ContentArtifact.TagOf(new ContentKey(new string('n', 63), new string('c', 63))).Length);
    }

    private static RegistryContent Content(string @namespace, bool allNamespaces = false) => new()
    {
        Metadata = new ObjectMeta { Name = "base", Namespace = @namespace },
        Spec = new RegistryContentSpec
        {
            Source = new ContentSource(new RegistrySourceSpec { Host = "registry.example.com" }),
            Lock = new ContentLock { Content = ["registry.k8s.io/pause:3.10"] },
            AllNamespaces = allNamespaces,
        },
    };
}
