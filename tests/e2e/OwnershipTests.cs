using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>Whose objects are whose: what others made is not overwritten, and what is ours is put right.</summary>
[Collection(OnApiServers.Name)]
public sealed class OwnershipTests(RealEnvironment fixture)
{
    private const string Version = "1.13.4";
    private const string TrustName = "c1-registry-addon-ca";

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("cluster.x-k8s.io/secret", "tls.key")]
    [InlineData("cluster.x-k8s.io/secret", "ca.crt")]
    [InlineData("Opaque", "tls.key")]
    public async Task BeforeClusterCreate_SecretOfSomebodyElse_IsRefusedAndUntouched(string type, string key)
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);
        var theirs = await environment.ManagementObjects.CreateAsync(AdminClient.Secrets("default"), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = TrustName },
            ["type"] = type,
            ["data"] = new JsonObject { [key] = "dGhlaXJz" },
        }, CancellationToken);

        var answer = await capi.CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken);

        Assert.Equal("Failure", answer.Status);
        Assert.Contains($"The Secret default/{TrustName} is not ours", answer.Message, StringComparison.Ordinal);
        var after = await environment.ManagementObjects.GetAsync(AdminClient.Secrets("default"), TrustName, CancellationToken);
        Assert.Equal((string?)theirs["metadata"]!["resourceVersion"], (string?)after["metadata"]!["resourceVersion"]);
    }

    [Fact]
    public async Task BeforeClusterCreate_OurSecretEdited_IsPutRightAndOtherOwnersStay()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);
        await capi.CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken);
        await environment.ManagementObjects.MergePatchAsync(AdminClient.Secrets("default"), TrustName, new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["ownerReferences"] = new JsonArray(
                    Owner("v1", "ConfigMap", "other", "11111111-1111-1111-1111-111111111111"),
                    Owner("cluster.x-k8s.io/v1beta1", "Cluster", "c1", "22222222-2222-2222-2222-222222222222")),
            },
            ["data"] = new JsonObject { ["tls.key"] = "a2V5", ["ca.crt"] = "bm9uZQ==" },
        }, CancellationToken);

        await capi.CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken);

        var after = await environment.ManagementObjects.GetAsync(AdminClient.Secrets("default"), TrustName, CancellationToken);
        Assert.Equal("ca.crt", Assert.Single((JsonObject)after["data"]!).Key);
        Assert.Contains("BEGIN CERTIFICATE", RegistryState.Text(after, "ca.crt"), StringComparison.Ordinal);
        Assert.Equal(
            ["11111111-1111-1111-1111-111111111111", cluster.Uid],
            after["metadata"]!["ownerReferences"]!.AsArray().Select(owner => (string)owner!["uid"]!));
    }

    [Fact]
    public async Task AfterControlPlaneInitialized_CertificateSecretOfAnotherType_IsRefusedAndUntouched()
    {
        var (environment, service, capi, cluster) = await PrepareAsync();
        await using var _ = service;
        using var __ = capi;
        await EnsureNamespaceAsync(environment);
        await environment.WorkloadObjects.CreateAsync(AdminClient.Secrets("registry-system"), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "registry-tls" },
            ["type"] = "Opaque",
            ["data"] = new JsonObject { ["mine"] = "bWluZQ==" },
        }, CancellationToken);

        var answer = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, CancellationToken);

        Assert.Equal("Failure", answer.Status);
        Assert.Contains("is not ours: its type is not kubernetes.io/tls", answer.Message, StringComparison.Ordinal);
        var after = await environment.WorkloadObjects.GetAsync(AdminClient.Secrets("registry-system"), "registry-tls", CancellationToken);
        Assert.Equal("mine", Assert.Single((JsonObject)after["data"]!).Key);
    }

    [Fact]
    public async Task AfterControlPlaneInitialized_BundleBesideTheCertificateEdited_IsRefreshedWithoutANewCertificate()
    {
        var (environment, service, capi, cluster) = await PrepareAsync();
        await using var _ = service;
        using var __ = capi;
        await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, CancellationToken);
        var before = await RegistryState.ReadAsync(environment, cluster, CancellationToken);
        await environment.WorkloadObjects.MergePatchAsync(AdminClient.Secrets("registry-system"), "registry-tls",
            new JsonObject { ["data"] = new JsonObject { ["ca.crt"] = "bm9uZQ==" } }, CancellationToken);

        await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, CancellationToken);

        var after = await RegistryState.ReadAsync(environment, cluster, CancellationToken);
        Assert.Equal(RegistryState.Text(after.Trust!, "ca.crt"), RegistryState.Text(after.Certificate!, "ca.crt"));
        Assert.Equal(before.Serial, after.Serial);
    }

    private async Task<(TestEnvironment Environment, HookService Service, ClusterApi Capi, TestCluster Cluster)> PrepareAsync()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);
        await environment.GiveKubeconfigAsync(cluster, CancellationToken);
        return (environment, service, service.CreateClusterApi(), cluster);
    }

    private static async Task EnsureNamespaceAsync(TestEnvironment environment)
    {
        if (await environment.WorkloadObjects.FindAsync("/api/v1/namespaces", "registry-system", CancellationToken) is null)
            await environment.WorkloadObjects.CreateAsync(
                "/api/v1/namespaces", new JsonObject { ["metadata"] = new JsonObject { ["name"] = "registry-system" } }, CancellationToken);
    }

    private static JsonObject Owner(string apiVersion, string kind, string name, string uid) =>
        new() { ["apiVersion"] = apiVersion, ["kind"] = kind, ["name"] = name, ["uid"] = uid };
}
