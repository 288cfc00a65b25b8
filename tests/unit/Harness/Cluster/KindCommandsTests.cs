using CapiRegistryHook.Harness.Cluster;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Unit.Tests.Harness.Cluster;

public sealed class KindCommandsTests
{
    private static readonly KindCommands Commands = new("registry-test", "/k");

    [Fact]
    public void Create_WithFiles_TouchesNoKubeconfigOfTheUser() => Assert.Equal(
        "kind create cluster --name registry-test --config /c.yaml --kubeconfig /k --wait 180s",
        string.Join(' ', Commands.Create("/c.yaml")));

    [Fact]
    public void Delete_AnyTime_TouchesNoKubeconfigOfTheUser() =>
        Assert.Equal("kind delete cluster --name registry-test --kubeconfig /k", string.Join(' ', Commands.Delete()));

    [Fact]
    public void EnterNode_OneNode_IsTheControlPlaneWithInput() =>
        Assert.Equal("docker exec --interactive registry-test-control-plane", string.Join(' ', Commands.EnterNode()));

    [Fact]
    public void LoadImage_Reference_GoesToThisCluster() =>
        Assert.Equal("kind load docker-image a/b:1 --name registry-test", string.Join(' ', Commands.LoadImage("a/b:1")));

    [Fact]
    public void Configuration_AsYaml_HasTheServiceNetworkAndTheMirrorFolder()
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(KindCommands.Configuration));
        var root = yaml.Documents[0].RootNode;

        Assert.Equal("kind.x-k8s.io/v1alpha4", (string?)root["apiVersion"]);
        Assert.Equal("Cluster", (string?)root["kind"]);
        Assert.Equal("10.96.0.0/16", (string?)root["networking"]["serviceSubnet"]);
        Assert.Equal("ipv4", (string?)root["networking"]["ipFamily"]);
        Assert.Contains("config_path = \"/etc/containerd/certs.d\"", (string?)root["containerdConfigPatches"][0], StringComparison.Ordinal);
        Assert.Equal("control-plane", (string?)root["nodes"][0]["role"]);
    }

    [Theory]
    [InlineData(TestImage.Busybox, true)]
    [InlineData(TestImage.Registry, true)]
    [InlineData(TestImage.Regsync, true)]
    [InlineData(TestImage.Kubectl, true)]
    [InlineData(TestImage.Curl, true)]
    [InlineData(TestImage.Hook, false)]
    public void PublicReferenceOf_Image_IsMissingForOursOnly(TestImage image, bool published) =>
        Assert.Equal(published, KindCommands.PublicReferenceOf(image) is not null);

    [Theory]
    [InlineData("172.18.0.1\n", "172.18.0.1")]
    [InlineData("fc00:f853:ccd:e793::1\n172.19.0.1\n\n", "172.19.0.1")]
    [InlineData("<no value>\n172.20.0.1\n", "172.20.0.1")]
    public void HostAddressIn_Gateways_IsTheIPv4One(string gateways, string expected) =>
        Assert.Equal(expected, KindCommands.HostAddressIn(gateways).ToString());

    [Fact]
    public void HostAddressIn_NoIPv4Gateway_Throws() =>
        Assert.Throws<InvalidOperationException>(() => KindCommands.HostAddressIn("fc00::1\n"));
}
