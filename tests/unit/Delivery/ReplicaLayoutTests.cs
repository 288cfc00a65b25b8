using CapiRegistryHook.Delivery.Clusters;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Delivery;

/// <summary>What a workload cluster says of its registry is believed within bounds.</summary>
public sealed class ReplicaLayoutTests
{
    [Theory]
    [InlineData("1000000")]
    [InlineData("10")]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("-2147483648")]
    public async Task Read_ReplicasThatNoRegistryHas_AreRefused(string replicas)
    {
        var refusal = await Assert.ThrowsAsync<DeliveryException>(() => ReadAsync($$"""{"replicas":{{replicas}}}""", null, null));

        Assert.Equal($"The StatefulSet registry-system/registry has {replicas} replicas; a registry that serves has 1 to 9.",
            refusal.Message);
    }

    [Theory]
    [InlineData("""{"replicas":99999999999}""")]
    [InlineData("""{"replicas":1.5}""")]
    [InlineData("""{"replicas":"3"}""")]
    [InlineData("[]")]
    [InlineData("\"registry\"")]
    public async Task Read_AnswerThatIsNoStatefulSet_IsAFaultOfTheCluster(string spec)
    {
        var failure = await Record.ExceptionAsync(() => ReadAsync(spec, null, null));

        Assert.True(Fault.Is(failure!), failure?.ToString());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"replicas":null}""")]
    public async Task Read_WithoutReplicas_IsOneAsKubernetesHasIt(string spec) =>
        Assert.Equal(1, (await ReadAsync(spec, null, null)).Replicas);

    [Fact]
    public async Task Read_WithoutServices_TakesTheFirstReplicaAndKnowsNoAddress() =>
        Assert.Equal((3, 0, null), Parts(await ReadAsync("""{"replicas":3}""", null, null)));

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"selector":null,"clusterIP":null}""")]
    [InlineData("""{"selector":{"app":"x"},"clusterIP":"None"}""")]
    [InlineData("""{"selector":{"statefulset.kubernetes.io/pod-name":null},"clusterIP":""}""")]
    public async Task Read_ServicesThatSayNothing_TakesTheFirstReplicaAndKnowsNoAddress(string spec) =>
        Assert.Equal((3, 0, null), Parts(await ReadAsync("""{"replicas":3}""", spec, spec)));

    [Theory]
    [InlineData("registry-3")]
    [InlineData("registry--1")]
    [InlineData("registry-99999999999")]
    [InlineData("registry-")]
    [InlineData("registry-0 ")]
    [InlineData("registry-0/../../kube-system/pods/etcd-0")]
    [InlineData("../registry-0")]
    [InlineData("other-0")]
    [InlineData("REGISTRY-0")]
    [InlineData("")]
    public async Task Read_PrimaryThatLeadsToAnotherPod_IsRefused(string pod)
    {
        var service = $$$"""{"selector":{"statefulset.kubernetes.io/pod-name":"{{{pod}}}"}}""";

        var refusal = await Assert.ThrowsAsync<DeliveryException>(() => ReadAsync("""{"replicas":3}""", service, null));

        Assert.Equal("The Service registry-system/registry-primary does not lead to one of the 3 replicas.", refusal.Message);
    }

    [Theory]
    [InlineData("10.96.0.20", "10.96.0.20")]
    [InlineData("fd00::20", "[fd00::20]")]
    [InlineData("evil.example.com", null)]
    [InlineData("10.96.0.20@evil.example.com", null)]
    [InlineData("10.96.0.20/../x", null)]
    [InlineData("10.96.0.20:5000", null)]
    public async Task Read_PullAddress_IsAnAddressOrNothing(string address, string? expected) =>
        Assert.Equal((3, 2, expected), Parts(await ReadAsync("""{"replicas":3}""",
            """{"selector":{"statefulset.kubernetes.io/pod-name":"registry-2"}}""", $$"""{"clusterIP":"{{address}}"}""")));

    [Theory]
    [InlineData("", null)]
    [InlineData("""{"name":"tls","secret":{"secretName":"registry-tls"}}""", null)]
    [InlineData("""null,{"name":"auth","secret":{"secretName":"registry-users"}}""", "registry-system/registry-users")]
    [InlineData("""{"name":"auth","secret":{"secretName":"../../kube-system/secrets/admin"}}""", null)]
    [InlineData("""{"name":"auth","emptyDir":{}}""", null)]
    public async Task Read_Volumes_SayWhichSecretHasTheAccounts(string volumes, string? expected) => Assert.Equal(expected,
        (await ReadAsync($$$$"""{"template":{"spec":{"volumes":[{{{{volumes}}}}]}}}""", null, null)).AccountsSecret?.ToString());

    /// <summary>Pods that read the Secret with their sources fetch by themselves.</summary>
    [Theory]
    [InlineData("{}", false)]
    [InlineData("""{"template":null}""", false)]
    [InlineData("""{"template":{"spec":{"volumes":null}}}""", false)]
    [InlineData("""{"template":{"spec":{"volumes":[null,{"name":"a","emptyDir":{}},{"secret":{"secretName":"registry-tls"}}]}}}""", false)]
    [InlineData("""{"template":{"spec":{"volumes":[{"secret":{"secretName":"registry-sources","optional":true}}]}}}""", true)]
    public async Task Read_Volumes_TellWhetherThePodsFetch(string spec, bool pulls) =>
        Assert.Equal(pulls, (await ReadAsync(spec, null, null)).Pulls);

    [Fact]
    public async Task Read_WithoutAStatefulSet_SaysThatNothingIsInstalled()
    {
        var refusal = await Assert.ThrowsAsync<DeliveryException>(() => ReadAsync(null, null, null));

        Assert.Equal(
            "The registry is not installed yet: the workload cluster has no StatefulSet registry-system/registry.", refusal.Message);
    }

    private static (int Replicas, int Primary, string? Pull) Parts(ReplicaLayout layout) =>
        (layout.Replicas, layout.Primary, layout.PullAddress);

    private static async Task<ReplicaLayout> ReadAsync(string? stateful, string? primary, string? pull)
    {
        await using var fixture = await ClientFixture.StartAsync((context, _) =>
        {
            var path = context.Request.Path.Value!;
            var name = path.Split('/')[^1];
            var (kind, version, spec) = path.Contains("/statefulsets/", StringComparison.Ordinal) ? ("StatefulSet", "apps/v1", stateful)
                : ("Service", "v1", name == "registry-primary" ? primary : pull);
            var metadata = $$"""{"namespace":"registry-system","name":"{{name}}"}""";
            return spec is null ? context.StatusAsync(404, "NotFound", name: name) : context.JsonAsync(
                $$"""{"apiVersion":"{{version}}","kind":"{{kind}}","metadata":{{metadata}},"spec":{{spec}}}""");
        });
        return await ReplicaLayout.ReadAsync(fixture.Client, TestContext.Current.CancellationToken);
    }
}
