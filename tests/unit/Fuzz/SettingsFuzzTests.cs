using System.Text;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Unit.Tests.Fuzz;

/// <summary>The variable of a cluster: the settings, and the plan that is made of them.</summary>
public class SettingsFuzzTests(ITestOutputHelper output) : FuzzTests(output)
{
    private static readonly byte[][] Seeds =
    [
        .. new[]
        {
            "{}",
            """{"replicas":3,"storage":{"size":"50Gi","storageClassName":"fast"},"certificate":{"algorithm":"RSA-3072","extraNames":["registry.example.com","192.0.2.7"]}}""",
            """{"addresses":{"pull":["10.128.0.40","fd00::40"],"primary":["10.128.0.41"]},"auth":{"secretName":"registry-login"}}""",
            """{"mirror":{"mode":"perUpstream","upstreams":["docker.io","registry.example.com:5000"],"strict":true,"dialTimeout":"500ms","containerdConfig":"none"}}""",
            """{"resources":{"requests":{"cpu":"100m","memory":"256Mi"},"limits":{"cpu":"0.5","memory":"1Gi"}}}""",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    [Fact]
    public void Plan_AnySettings_IsMadeOrEachFieldIsNamed() =>
        Run(new Fuzzer("settings", Seeds, Words.Json), 40_000, IsPlanned);

    private static bool IsPlanned(byte[] settings)
    {
        var cluster = Read(settings);
        if (cluster is null)
            return false;
        var result = RegistryPlan.Create(cluster, new RegistryOptions { ChartVersion = "0.1.0" });
        if (result is not PlanResult.Invalid invalid)
            return true;
        Assert.NotEmpty(invalid.Problems);
        Assert.All(invalid.Problems, problem => Assert.DoesNotContain(problem.Sentence, char.IsControl));
        return false;
    }

    private static Cluster? Read(byte[] settings)
    {
        byte[] request =
        [
            .. """{"apiVersion":"hooks.runtime.cluster.x-k8s.io/v1alpha1","kind":"BeforeClusterCreateRequest","cluster":{"metadata":{"name":"c","namespace":"n","uid":"u"},"spec":{"clusterNetwork":{"services":{"cidrBlocks":["10.128.0.0/12","fd00::/112"]}},"topology":{"version":"v1.33.0","variables":[{"name":"clusterConfig","value":{"addons":{"registry":"""u8,
            .. settings,
            .. "}}}]}}}}"u8,
        ];
        try
        {
            return HookRequest.Read("BeforeClusterCreate", request).Cluster;
        }
        catch (HookRequestException)
        {
            return null;
        }
    }
}
