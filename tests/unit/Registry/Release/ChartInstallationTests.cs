using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Unit.Tests.Registry.Release;

public sealed class ChartInstallationTests
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Install_NothingThere_CreatesTheHelmChartProxyOfTheCluster()
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync();
        using var owned = fixture;

        var outcome = await fixture.Registry.InstallAsync(cluster, CancellationToken);

        Assert.Equal(OutcomeKind.Done, outcome.Kind);
        Assert.Contains(outcome.Changes, change => change is { Verb: ChangeVerb.Created, Kind: "HelmChartProxy" });
        var proxy = (await fixture.ChartProxyAsync())!;
        Assert.Equal(cluster.Metadata.Uid, (string?)proxy["metadata"]!["ownerReferences"]![0]!["uid"]);
        Assert.Equal("c1", (string?)proxy["spec"]!["clusterSelector"]!["matchLabels"]![RegistryPlan.ClusterNameLabel]);
    }

    [Fact]
    public async Task Install_CalledTwice_WritesNothingTheSecondTime()
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync();
        using var owned = fixture;
        await fixture.Registry.InstallAsync(cluster, CancellationToken);

        var outcome = await fixture.Registry.InstallAsync(await fixture.ReadAsync(), CancellationToken);

        Assert.Equal(OutcomeKind.Done, outcome.Kind);
        Assert.Empty(outcome.Changes);
    }

    [Theory]
    [InlineData("repoURL", "oci://elsewhere.example.com/charts")]
    [InlineData("chartName", "another")]
    public async Task Reconcile_ChartFromElsewhere_TellsThatTheRegistryIsReinstalled(string field, string former)
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync();
        using var owned = fixture;
        await fixture.Registry.InstallAsync(cluster, CancellationToken);
        await fixture.Management.MergePatchAsync(AdminClient.ChartProxies(LifecycleFixture.Namespace), "c1-registry",
            new JsonObject { ["spec"] = new JsonObject { [field] = former } }, CancellationToken);

        await fixture.ReconcileAsync();

        var told = await fixture.Management.ListAsync(AdminClient.Events(LifecycleFixture.Namespace), CancellationToken);
        Assert.Contains(told, item => (string?)item["reason"] == "RegistryReinstalled" && (string?)item["type"] == "Warning");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Install_HelmChartProxyOfSomebodyElse_IsRefusedAndStays(bool reconcile)
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync();
        using var owned = fixture;
        var theirs = await fixture.Management.CreateAsync(AdminClient.ChartProxies(LifecycleFixture.Namespace), Foreign("c1-registry"),
            CancellationToken);

        var reason = reconcile ? (await fixture.ReconcileAsync()).Reason!
            : (await fixture.Registry.InstallAsync(cluster, CancellationToken)).Reason;
        await fixture.RequestAsync(null);
        await fixture.ReconcileAsync();

        Assert.Contains("The HelmChartProxy team-a/c1-registry is not ours", reason, StringComparison.Ordinal);
        Assert.Equal((string?)theirs["metadata"]!["resourceVersion"],
            (string?)(await fixture.ChartProxyAsync())!["metadata"]!["resourceVersion"]);
    }

    [Fact]
    public async Task Install_OursWithItsLabelsEditedAway_IsPutRight()
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync();
        using var owned = fixture;
        await fixture.Registry.InstallAsync(cluster, CancellationToken);
        await fixture.Management.MergePatchAsync(AdminClient.ChartProxies(LifecycleFixture.Namespace), "c1-registry",
            new JsonObject { ["metadata"] = new JsonObject { ["labels"] = null } }, CancellationToken);

        var outcome = await fixture.Registry.InstallAsync(await fixture.ReadAsync(), CancellationToken);

        Assert.Equal(OutcomeKind.Done, outcome.Kind);
        Assert.Equal(
            "capi-registry-hook", (string?)(await fixture.ChartProxyAsync())!["metadata"]!["labels"]!["app.kubernetes.io/managed-by"]);
    }

    [Fact]
    public async Task Install_OfAClusterWithAnotherName_IsRefused()
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync();
        using var owned = fixture;
        await fixture.Registry.InstallAsync(cluster, CancellationToken);
        await fixture.Management.MergePatchAsync(
            AdminClient.ChartProxies(LifecycleFixture.Namespace), "c1-registry", new JsonObject
            {
                ["metadata"] =
                    new JsonObject { ["ownerReferences"] = new JsonArray(Owner("other", "22222222-2222-2222-2222-222222222222")) },
            }, CancellationToken);

        Assert.Equal(OutcomeKind.Refused, (await fixture.Registry.InstallAsync(await fixture.ReadAsync(), CancellationToken)).Kind);
    }

    [Theory]
    [InlineData(54)]
    [InlineData(55)]
    [InlineData(63)]
    public async Task Install_LongClusterName_NamesTheHelmChartProxyByALabelValue(int length)
    {
        var name = new string('a', length - 1) + "b";
        var (fixture, cluster) = await LifecycleFixture.StartAsync(name);
        using var owned = fixture;

        var outcome = await fixture.Registry.InstallAsync(cluster, CancellationToken);

        Assert.Equal(OutcomeKind.Done, outcome.Kind);
        var proxy = RegistryPlan.ChartProxyOf(cluster).Name;
        Assert.True(proxy.Length <= 63, proxy);
        Assert.Equal(length == 54, proxy == $"{name}-registry");
        Assert.NotNull(await fixture.ChartProxyAsync(proxy));
        Assert.Equal(ClusterPhase.Ready, (await fixture.ReconcileAsync(name)).Phase);
    }

    [Fact]
    public void ChartProxyOf_LongNamesThatDifferAtTheEnd_Differ()
    {
        var name = new string('a', 62);

        Assert.NotEqual(
            RegistryPlan.ChartProxyOf(Clusters.With(name: name + "b")), RegistryPlan.ChartProxyOf(Clusters.With(name: name + "c")));
        // A change of this text would install a second registry beside the first.
        Assert.Equal("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-0085f9f5-registry",
            RegistryPlan.ChartProxyOf(Clusters.With(name: name + "b")).Name);
    }

    [Fact]
    public async Task Reconcile_OtherAddressesRequested_KeepsTheInstalledAndNamesBoth()
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync();
        using var owned = fixture;
        await fixture.Registry.InstallAsync(cluster, CancellationToken);
        await fixture.ReconcileAsync();
        var before = Values(await fixture.ChartProxyAsync());
        cluster = await fixture.RequestAsync("""{ "addresses": { "pull": ["10.96.0.99"] } }""");

        await fixture.ReconcileAsync();
        var status = await fixture.ReconcileAsync();
        var hook = await fixture.Registry.InstallAsync(cluster, CancellationToken);

        Assert.Equal(ClusterPhase.Ready, status.Phase);
        Assert.Equal("10.96.0.20", Assert.Single(Values(await fixture.ChartProxyAsync())["service"]!["clusterIPs"]!.AsArray())!.ToString());
        Assert.NotEqual(Serial(before), Serial(Values(await fixture.ChartProxyAsync())));
        var names = await CertificateNamesAsync(fixture);
        Assert.Contains("10.96.0.20", names, StringComparison.Ordinal);
        Assert.Contains("10.96.0.99", names, StringComparison.Ordinal);
        Assert.Contains((await fixture.EventsAsync()).Where(item => item.Reason == "AddressesKept"),
            item => item.Note.Contains("10.96.0.99", StringComparison.Ordinal));
        Assert.Contains(hook.Changes, change => change is { Verb: ChangeVerb.Kept, Kind: "Service" });
    }

    [Fact]
    public async Task Reconcile_AddressesSetBack_NamesOneAgain()
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync();
        using var owned = fixture;
        await fixture.Registry.InstallAsync(cluster, CancellationToken);
        await fixture.RequestAsync("""{ "addresses": { "pull": ["10.96.0.99"] } }""");
        await fixture.ReconcileAsync();

        await fixture.RequestAsync("{}");
        await fixture.ReconcileAsync();

        Assert.DoesNotContain("10.96.0.99", await CertificateNamesAsync(fixture), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reconcile_ValuesEditedToAnAddressOutsideOfTheCluster_GetsNoCertificateForIt()
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync();
        using var owned = fixture;
        await fixture.Registry.InstallAsync(cluster, CancellationToken);
        var template = (string)(await fixture.ChartProxyAsync())!["spec"]!["valuesTemplate"]!;
        await fixture.Management.MergePatchAsync(AdminClient.ChartProxies(LifecycleFixture.Namespace), "c1-registry", new JsonObject
        {
            ["spec"] = new JsonObject { ["valuesTemplate"] = template.Replace("10.96.0.20", "192.0.2.1", StringComparison.Ordinal) },
        }, CancellationToken);

        await fixture.ReconcileAsync();

        Assert.DoesNotContain("192.0.2.1", await CertificateNamesAsync(fixture), StringComparison.Ordinal);
        Assert.Contains("10.96.0.20", (string?)(await fixture.ChartProxyAsync())!["spec"]!["valuesTemplate"], StringComparison.Ordinal);
    }

    private static async Task<string> CertificateNamesAsync(LifecycleFixture fixture)
    {
        var secret = await fixture.Workload.GetAsync(AdminClient.Secrets("registry-system"), "registry-tls", CancellationToken);
        using var certificate = X509Certificate2.CreateFromPem(
            Encoding.ASCII.GetString(Convert.FromBase64String((string)secret["data"]!["tls.crt"]!)));
        return string.Join(' ', certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .Single().EnumerateIPAddresses());
    }

    private static JsonObject Values(JsonObject? proxy) =>
        InstalledVolumes.Read((string?)proxy!["spec"]!["valuesTemplate"])!;

    private static string Serial(JsonObject values) => (string)values["tls"]!["certificateSerial"]!;

    private static JsonObject Owner(string name, string uid) => new()
    {
        ["apiVersion"] = "cluster.x-k8s.io/v1beta2", ["kind"] = "Cluster", ["name"] = name, ["uid"] = uid,
    };

    private static JsonObject Foreign(string name) => new()
    {
        ["apiVersion"] = "addons.cluster.x-k8s.io/v1alpha1",
        ["kind"] = "HelmChartProxy",
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject
        {
            ["clusterSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["team"] = "theirs" } },
            ["repoURL"] = "https://charts.example.com",
            ["chartName"] = "nginx",
        },
    };
}
