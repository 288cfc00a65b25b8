using System.Net;
using System.Text.Json;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Unit.Tests.Registry.Plan;

public sealed class RegistryPlanTests
{
    [Fact]
    public void Create_WithoutVariable_IsNotWanted() =>
        Assert.IsType<PlanResult.NotWanted>(RegistryPlan.Create(Clusters.With(registry: null), new RegistryOptions()));

    [Theory]
    [InlineData("""{ "metadata": { "name": "c", "namespace": "n" } }""")]
    [InlineData("""{ "metadata": { "name": "c", "namespace": "n" }, "spec": {} }""")]
    [InlineData("""{ "metadata": { "name": "c", "namespace": "n" }, "spec": { "topology": { "variables": null } } }""")]
    [InlineData("""{ "metadata": { "name": "c", "namespace": "n" }, "spec": { "topology": { "variables": [{ "name": "clusterConfig" }] } } }""")]
    [InlineData("""{ "metadata": { "name": "c", "namespace": "n" }, "spec": { "topology": { "variables": [{ "name": "clusterConfig", "value": { "addons": null } }] } } }""")]
    [InlineData("""{ "metadata": { "name": "c", "namespace": "n" }, "spec": { "topology": { "variables": [{ "name": "clusterConfig", "value": { "addons": { "registry": null } } }] } } }""")]
    [InlineData("""{ "metadata": { "name": "c", "namespace": "n" }, "spec": { "topology": { "variables": [{ "name": "other", "value": { "addons": { "registry": {} } } }] } } }""")]
    public void Create_AbsentAtAnyLevel_IsNotWanted(string json) =>
        Assert.IsType<PlanResult.NotWanted>(RegistryPlan.Create(Clusters.Read(json), new RegistryOptions()));

    [Fact]
    public void Create_OtherVariableAndPath_FindsTheSettings()
    {
        var cluster = Clusters.Read("""
            { "metadata": { "name": "c", "namespace": "n", "uid": "u" },
              "spec": { "topology": { "variables": [{ "name": "platform", "value": { "mirror": { "replicas": 3 } } }] } } }
            """);

        var plan = Clusters.Plan(cluster, new RegistryOptions { VariableName = "platform", VariablePath = "mirror" });

        Assert.Equal(3, plan.Replicas);
    }

    /// <summary>At install time the cluster has one node, which is no reason for all replicas to live there.</summary>
    [Theory]
    [InlineData("""{}""", null)]
    [InlineData("""{ "controlPlane": { "replicas": 1 } }""", null)]
    [InlineData("""{ "controlPlane": {}, "workers": { "machineDeployments": [{ "replicas": 0 }, null], "machinePools": null } }""", null)]
    [InlineData("""{ "workers": { "machineDeployments": [{}, { "replicas": null }] } }""", "Required")]
    [InlineData("""{ "controlPlane": { "replicas": 3 } }""", "Required")]
    [InlineData("""{ "controlPlane": { "replicas": 1 }, "workers": { "machineDeployments": [{ "replicas": 1 }] } }""", "Required")]
    [InlineData("""{ "controlPlane": { "replicas": 1 }, "workers": { "machineDeployments": [{ "replicas": 0 }] } }""", null)]
    [InlineData("""{ "workers": { "machinePools": [{ "replicas": 2147483647 }, { "replicas": 2147483647 }] } }""", "Required")]
    [InlineData("""{ "workers": { "machinePools": [{ "replicas": -5 }] } }""", null)]
    public void Create_ByTheNodesAskedFor_KeepsReplicasApart(string topology, string? spread)
    {
        var values = Clusters.Plan(WithNodes(topology)).Values;

        Assert.Equal(spread, (string?)values["spread"]);
    }

    [Theory]
    [InlineData("spread: Preferred", "Preferred")]
    [InlineData("replicas: 1", null)]
    [InlineData("replicas: 4", null)]
    public void Create_AdminSaysOtherwiseOrNodesDoNotSuffice_LeavesReplicasTogether(string admin, string? spread)
    {
        var options = new RegistryOptions();
        options.Defaults.Replace(admin);

        var values = Clusters.Plan(WithNodes("""{ "controlPlane": { "replicas": 3 } }"""), options).Values;

        Assert.Equal(spread, (string?)values["spread"]);
    }

    private static Cluster WithNodes(string topology)
    {
        var cluster = Clusters.With();
        var nodes = JsonSerializer.Deserialize<ClusterTopology>(topology, JsonSerializerOptions.Web)!;
        return cluster with { Spec = cluster.Spec! with { Topology = nodes with { Variables = cluster.Spec.Topology!.Variables } } };
    }

    [Fact]
    public void Create_NoNetwork_UsesTheDefaultRange()
    {
        var plan = Clusters.Plan(Clusters.With());

        Assert.Equal([IPAddress.Parse("10.96.0.20")], plan.Addresses.Pull);
        Assert.Equal([IPAddress.Parse("10.96.0.21")], plan.Addresses.Primary);
    }

    [Theory]
    [InlineData("10.128.0.0/12", "10.128.0.20", "10.128.0.21")]
    [InlineData("10.0.0.0/27", "10.0.0.20", "10.0.0.21")]
    [InlineData("10.0.0.250/24", "10.0.0.20", "10.0.0.21")]
    [InlineData("fd00:10:96::/112", "fd00:10:96::14", "fd00:10:96::15")]
    [InlineData("2001:db8::/123", "2001:db8::14", "2001:db8::15")]
    [InlineData("255.255.255.0/24", "255.255.255.20", "255.255.255.21")]
    public void Create_OneRange_TakesIndex20And21(string block, string pull, string primary)
    {
        var plan = Clusters.Plan(Clusters.WithServices(block));

        Assert.Equal([IPAddress.Parse(pull)], plan.Addresses.Pull);
        Assert.Equal([IPAddress.Parse(primary)], plan.Addresses.Primary);
    }

    [Fact]
    public void Create_DualStack_TakesBothFamiliesInOrder()
    {
        var plan = Clusters.Plan(Clusters.WithServices("fd00::/108", "10.96.0.0/16"));

        Assert.Equal(["fd00::14", "10.96.0.20"], plan.Addresses.Pull.Select(address => address.ToString()));
        Assert.Equal(["fd00::15", "10.96.0.21"], plan.Addresses.Primary.Select(address => address.ToString()));
    }

    [Theory]
    [InlineData("10.0.0.0/28", "10.0.0.0/28")]
    [InlineData("2001:db8::/124", "2001:db8::/124")]
    [InlineData("10.0.0.1/32", "10.0.0.1/32")]
    public void Create_RangeTooSmall_NamesFieldAndRemedy(string block, string shown)
    {
        var problems = Clusters.Problems(Clusters.WithServices(block));

        Assert.Contains(
            $"spec.clusterNetwork.services.cidrBlocks holds {shown}, which has no address at index 20", problems, StringComparison.Ordinal);
        Assert.Contains("/27 or /123 at least", problems, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("10.0.0.0")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0/8")]
    [InlineData("fd00::/129")]
    [InlineData("::ffff:10.0.0.0/112")]
    [InlineData("10.0.0.0/08x")]
    public void Create_NoCidr_NamesTheEntry(string block) =>
        Assert.Contains(
            "spec.clusterNetwork.services.cidrBlocks[0]", Clusters.Problems(Clusters.WithServices(block)), StringComparison.Ordinal);

    [Fact]
    public void Create_TwoRangesOfOneFamily_IsRefused() =>
        Assert.Contains("more than one block of a family", Clusters.Problems(Clusters.WithServices("10.0.0.0/16", "10.1.0.0/16")),
            StringComparison.Ordinal);

    [Fact]
    public void Create_RangeBelow23_Warns()
    {
        Assert.NotEmpty(Clusters.Plan(Clusters.WithServices("10.0.0.0/24")).Warnings);
        Assert.Empty(Clusters.Plan(Clusters.WithServices("10.0.0.0/23")).Warnings);
    }

    [Fact]
    public void Create_AddressesGiven_ReplaceTheComputedOnes()
    {
        var plan = Clusters.Plan(Clusters.With("""{ "addresses": { "pull": ["10.96.1.1"], "primary": ["10.96.1.2"] } }"""));

        Assert.Equal(["10.96.1.1"], plan.Addresses.Pull.Select(address => address.ToString()));
        Assert.Equal(["10.96.1.2"], plan.Addresses.Primary.Select(address => address.ToString()));
    }

    [Fact]
    public void Create_AddressesGivenForSmallRange_NeedNoIndex20() =>
        Clusters.Plan(Clusters.With(
            """{ "addresses": { "pull": ["10.0.0.4"], "primary": ["10.0.0.5"] } }""",
            """{ "services": { "cidrBlocks": ["10.0.0.0/28"] } }"""));

    [Theory]
    [InlineData("10.0.0.1", "lies in no service CIDR")]
    [InlineData("10.96.0.1", "Kubernetes keeps for itself")]
    [InlineData("10.96.0.0", "Kubernetes keeps for itself")]
    [InlineData("10.111.255.255", "Kubernetes keeps for itself")]
    [InlineData("fd00::14", "lies in no service CIDR")]
    [InlineData("ten", "is not an IP address")]
    [InlineData("010.96.0.20", "is not an IP address")]
    [InlineData("10.96.0.21", "give each Service its own address")]
    public void Create_BadPullAddress_SaysWhy(string address, string why) =>
        Assert.Contains(
            why, Clusters.Problems(Clusters.With($$"""{ "addresses": { "pull": ["{{address}}"] } }""")), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{ "replicas": 0 }""", "clusterConfig.addons.registry.replicas must be a whole number from 1 to 9, not the number 0.")]
    [InlineData("""{ "replicas": "two" }""",
        "clusterConfig.addons.registry.replicas must be a whole number from 1 to 9, not the string \"two\".")]
    [InlineData("""{ "replicas": 1.5 }""", "clusterConfig.addons.registry.replicas must be a whole number")]
    [InlineData("""{ "replica": 3 }""",
        "clusterConfig.addons.registry has no field \"replica\"; "
            + "its fields are provider, replicas, primaryReplica, storage, addresses, certificate, mirror, resources, auth.")]
    [InlineData("""[]""", "clusterConfig.addons.registry must be an object, not a list.")]
    [InlineData("true", "clusterConfig.addons.registry must be an object, not true.")]
    [InlineData("""{ "certificate": { "algorithm": "RSA" } }""",
        "certificate.algorithm must be one of ECDSA-P256, RSA-2048, RSA-3072, RSA-4096, not the string \"RSA\".")]
    [InlineData("""{ "certificate": { "nodeAddresses": true } }""",
        "certificate.nodeAddresses is true, but no addresses of nodes are allowed in certificates; ask the admin")]
    [InlineData("""{ "certificate": { "extraNames": ["a b"] } }""",
        "certificate.extraNames[0] is \"a b\", which is neither a DNS name nor an IP address")]
    [InlineData("""{ "certificate": { "extraNames": ["0.0.0.0"] } }""",
        "certificate.extraNames[0] is \"0.0.0.0\", which is neither a DNS name nor an IP address")]
    [InlineData("""{ "certificate": { "extraNames": ["::"] } }""",
        "certificate.extraNames[0] is \"::\", which is neither a DNS name nor an IP address")]
    [InlineData("""{ "certificate": { "extraNames": ["10.0.0.07"] } }""",
        "certificate.extraNames[0] is \"10.0.0.07\", which is neither a DNS name nor an IP address")]
    [InlineData("""{ "certificate": { "extraNames": ["192.0.2.1"] } }""",
        "certificate.extraNames[0] is \"192.0.2.1\", which is outside the cluster's service CIDRs (10.96.0.0/12); use an address inside")]
    [InlineData("""{ "certificate": { "extraNames": ["fd00::14"] } }""", "is \"fd00::14\", which is outside the cluster's service CIDRs")]
    [InlineData("""{ "certificate": { "extraNames": ["10.96.0.1"] } }""",
        "is \"10.96.0.1\", which is the address of the Service kubernetes")]
    [InlineData("""{ "certificate": { "extraNames": ["127.0.0.2"] } }""", "is \"127.0.0.2\", which is loopback")]
    [InlineData("""{ "certificate": { "extraNames": ["169.254.169.254"] } }""", "is \"169.254.169.254\", which is loopback, link-local")]
    [InlineData("""{ "certificate": { "extraNames": ["kubernetes"] } }""", "a Service outside the namespace registry-system")]
    [InlineData("""{ "certificate": { "extraNames": ["kubernetes.default"] } }""", "a Service outside the namespace registry-system")]
    [InlineData("""{ "certificate": { "extraNames": ["kubernetes.default.svc"] } }""", "a Service outside the namespace registry-system")]
    [InlineData("""{ "certificate": { "extraNames": ["Kubernetes.Default.SVC.Cluster.Local"] } }""", "extraNames[0]")]
    [InlineData("""{ "certificate": { "extraNames": ["a.b.svc.cluster.local"] } }""", "a Service outside the namespace registry-system")]
    [InlineData("""{ "certificate": { "extraNames": ["*.svc"] } }""", "a Service outside the namespace registry-system")]
    [InlineData("""{ "certificate": { "extraNames": ["*.cluster.local"] } }""", "a Service outside the namespace registry-system")]
    [InlineData("""{ "certificate": { "extraNames": ["svc"] } }""", "a Service outside the namespace registry-system")]
    [InlineData("""{ "certificate": { "extraNames": ["10-0-0-1.a.pod.cluster.local"] } }""", "a Service outside the namespace")]
    [InlineData("""{ "certificate": { "extraNames": ["capi-registry-hook.capi-registry-hook-system"] } }""",
        "a Service outside the namespace")]
    [InlineData("""{ "certificate": { "extraNames": ["capi-registry-hook.capi-registry-hook-system.svc"] } }""", "a Service outside")]
    [InlineData("""{ "certificate": { "extraNames": ["localhost"] } }""", "which every machine takes for itself")]
    [InlineData("""{ "certificate": { "extraNames": ["registry.localhost"] } }""", "which every machine takes for itself")]
    [InlineData("""{ "certificate": { "extraNames": ["*.com"] } }""", "which stands for a whole top-level domain")]
    [InlineData("""{ "certificate": { "extraNames": "a" } }""", "certificate.extraNames must be a list of at most 32 strings")]
    [InlineData("""{ "addresses": { "pull": [1] } }""", "addresses.pull must be a list of at most 2 strings")]
    public void Create_BadSettings_NameFieldValueAndRule(string registry, string sentence) =>
        Assert.Contains(sentence, Clusters.Problems(Clusters.With(registry)), StringComparison.Ordinal);

    /// <summary>An admin's blocks allow more addresses, but never one that means another machine to each who uses it.</summary>
    [Theory]
    [InlineData("127.0.0.2")]
    [InlineData("169.254.169.254")]
    [InlineData("10.96.0.1")]
    public void Create_ReservedAddress_IsRefusedWhateverTheAdminAllows(string address) => Assert.Contains(
        $"extraNames[0] is \"{address}\"",
        Clusters.Problems(
            Clusters.With($$"""{ "certificate": { "extraNames": ["{{address}}"] } }"""),
            new RegistryOptions { ExtraNamesAllowCidrs = "0.0.0.0/0,::/0" }),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("mirror.registry-system.svc")]
    [InlineData("*.registry-system.svc.corp.example")]
    [InlineData("*.example.com")]
    [InlineData("nas01")]
    public void Create_NameOfOnesOwn_IsTaken(string name) => Assert.Contains(
        name,
        Clusters.Plan(Clusters.With(
            $$"""{ "certificate": { "extraNames": ["{{name}}"] } }""",
            """{ "serviceDomain": "corp.example" }""")).Certificate.Names.DnsNames);

    [Fact]
    public void Create_NameInAnotherClustersDomain_IsRefused() => Assert.Contains(
        "a Service outside the namespace registry-system",
        Clusters.Problems(Clusters.With(
            """{ "certificate": { "extraNames": ["x.registry-system.svc.cluster.local"] } }""", """{ "serviceDomain": "corp.example" }""")),
        StringComparison.Ordinal);

    [Fact]
    public void Create_SeveralProblems_AreAllNamedAndSorted()
    {
        var problems = Clusters.Problems(
            Clusters.With("""{ "replicas": 0, "certificate": { "algorithm": "x" } }""", """{ "serviceDomain": "-" }"""));

        Assert.Equal(
            ["certificate.algorithm", "registry.replicas", "spec.clusterNetwork.serviceDomain"],
            new[] { "certificate.algorithm", "registry.replicas", "spec.clusterNetwork.serviceDomain" }.OrderBy(
                part => problems.IndexOf(part, StringComparison.Ordinal)));
        Assert.DoesNotContain(-1, new[] { "certificate.algorithm", "registry.replicas", "serviceDomain" }.Select(
            part => problems.IndexOf(part, StringComparison.Ordinal)));
    }

    [Fact]
    public void Create_HostileText_IsPrintableAndShort()
    {
        var hostile = "\\u001b[31m\\n\\\"" + new string('x', 500);

        var problems = Clusters.Problems(Clusters.With($$"""{ "certificate": { "algorithm": "{{hostile}}" } }"""));

        Assert.DoesNotContain(problems, char.IsControl);
        Assert.True(problems.Length < 300, problems);
    }

    [Theory]
    [InlineData(204, true)]
    [InlineData(205, false)]
    public void Create_LongServiceDomain_MustLeaveRoomForTheLongestName(int length, bool fits)
    {
        var domain = string.Join('.', Enumerable.Repeat(new string('a', 50), 4)) + new string('b', length - 203);

        var result = RegistryPlan.Create(
            Clusters.With("""{ "replicas": 9 }""", $$"""{ "serviceDomain": "{{domain}}" }"""), new RegistryOptions());

        Assert.Equal(fits, result is PlanResult.Wanted);
    }

    [Fact]
    public void Create_CustomServiceDomain_IsInEveryFullName()
    {
        var plan = Clusters.Plan(Clusters.With(network: """{ "serviceDomain": "corp.example" }"""));

        Assert.Contains("registry.registry-system.svc.corp.example", plan.Certificate.Names.DnsNames);
        Assert.DoesNotContain(plan.Certificate.Names.DnsNames, name => name.EndsWith("cluster.local", StringComparison.Ordinal));
    }

    [Fact]
    public void Create_CertificateNames_AreEveryServiceEveryReplicaEveryAddressAndLoopback()
    {
        var plan = Clusters.Plan(
            Clusters.With("""{ "replicas": 1, "certificate": { "extraNames": ["registry.example.com", "192.0.2.1", "10.96.0.30"] } }"""),
            new RegistryOptions { ExtraNamesAllowCidrs = "198.51.100.0/24, 192.0.2.0/24" });

        var forms = new[] { "registry", "registry-primary", "registry-headless", "registry-0.registry-headless" }
            .SelectMany(host => new[] { host, $"{host}.registry-system", $"{host}.registry-system.svc",
                $"{host}.registry-system.svc.cluster.local" });
        Assert.Equal(ServerNames.Create(
            forms.Append("localhost").Append("registry.example.com"),
            new[] { "10.96.0.20", "10.96.0.21", "127.0.0.1", "::1", "192.0.2.1", "10.96.0.30" }.Select(IPAddress.Parse)),
            plan.Certificate.Names);
    }

    [Fact]
    public void Create_AlgorithmOfTheCluster_WinsOverTheAdmins()
    {
        var admin = new RegistryOptions { KeyAlgorithm = "RSA-3072" };

        Assert.Equal(KeyAlgorithm.Rsa3072, Clusters.Plan(Clusters.With(), admin).Certificate.Algorithm);
        Assert.Equal(KeyAlgorithm.EcdsaP256,
            Clusters.Plan(Clusters.With("""{ "certificate": { "algorithm": "ECDSA-P256" } }"""), admin).Certificate.Algorithm);
    }

    [Fact]
    public void Create_Names_AreTheContract()
    {
        var plan = Clusters.Plan(Clusters.With());

        Assert.Equal("team-a/c1-registry-addon-ca", plan.TrustSecret.ToString());
        Assert.Equal("team-a/c1-kubeconfig", RegistryPlan.KubeconfigSecretOf(plan.Cluster.Name).ToString());
        Assert.Equal("team-a/c1-registry", plan.ChartProxy.ToString());
        Assert.Equal("registry-system/registry-tls", RegistryPlan.CertificateSecret.ToString());
        Assert.Equal("capi-registry-hook-system/registry-addon-root-ca", plan.RootSecret.ToString());
    }

    [Fact]
    public void Create_NameLongerThanALabel_IsRefused() =>
        Assert.Contains("metadata.name", Clusters.Problems(Clusters.With(name: new string('a', 64))), StringComparison.Ordinal);

    [Fact]
    public void Create_SameInput_GivesTheSameChartProxy()
    {
        static string Write() => RegistryPlanText.Write(
            Clusters.WithServices("10.96.0.0/12", "fd00::/108"), new RegistryOptions(), NodeFormat.V2).Yaml!;

        Assert.Equal(Write(), Write());
    }
}
