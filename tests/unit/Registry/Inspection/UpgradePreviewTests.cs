using CapiRegistryHook.Registry.Inspection;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Unit.Tests.Registry.Inspection;

public sealed class UpgradePreviewTests
{
    private static readonly RegistryOptions Options = new();

    [Fact]
    public void Create_NothingDecidedSince_RenewsTheCertificateAlone()
    {
        var preview = UpgradePreview.Create(Clusters.With(), Installed(Clusters.With()), ReleaseRevision.Of(Options), Options);

        Assert.Equal("certificate", Assert.Single(preview.Changes).What);
        Assert.Empty(preview.Notes);
    }

    [Fact]
    public void Create_OtherDecisions_NamesEachValueThatChanges()
    {
        var preview = Create("""{"resources":{"limits":{"memory":"512Mi"}}}""");

        Assert.Contains(new UpgradeChange("resources.limits.memory", null, "512Mi"), preview.Changes);
        Assert.Contains(preview.Changes, change => change.What == "release revision");
    }

    [Theory]
    [InlineData("""{"extraEnv":[{"name":"PROXY_PASSWORD","value":"hunter2"}]}""")]
    [InlineData("""{"config":{"proxy":{"password":"hunter2"}}}""")]
    public void Create_ValuesThatMayHoldCredentials_AreNotShown(string values)
    {
        var preview = Create(values);

        Assert.Contains(preview.Changes, change => change.To == "(not shown)");
        Assert.DoesNotContain(preview.Changes, change => change.To?.Contains("hunter2", StringComparison.Ordinal) == true);
    }

    [Fact]
    public void Create_StorageThatCantChange_SaysThatItStays()
    {
        var live = Installed(Clusters.With("""{"storage":{"size":"10Gi"}}"""));

        var preview = UpgradePreview.Create(
            Clusters.With("""{"storage":{"size":"20Gi","storageClassName":"fast"}}"""), live, ReleaseRevision.Of(Options), Options);

        Assert.Contains(preview.Notes, note => note.Contains("keeps its storage", StringComparison.Ordinal));
        Assert.DoesNotContain(preview.Changes, change => change.What == "storage.storageClassName");
    }

    [Fact]
    public void Create_VariableThatIsWrong_SaysThatNothingIsInstalled() => Assert.Single(UpgradePreview.Create(
        Clusters.With("""{"replicas":12}"""), Installed(Clusters.With()), ReleaseRevision.Of(Options), Options).Notes);

    private static UpgradePreview Create(string values) => UpgradePreview.Create(
        Clusters.With(), Installed(Clusters.With()), ReleaseRevision.Of(Options) with { AdminValues = values }, Options);

    private static HelmChartProxy Installed(Cluster cluster)
    {
        var plan = Assert.IsType<PlanResult.Wanted>(RegistryPlan.Create(cluster, Options)).Plan;
        var values = CapiRegistryHook.Registry.Chart.InstalledVolumes.Keep(ChartValues.Build(plan, ""), installed: null).Values;
        return ChartProxyFactory.Create(plan, values);
    }
}
