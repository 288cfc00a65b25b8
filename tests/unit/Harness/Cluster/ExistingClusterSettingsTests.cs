using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.Unit.Tests.Harness.Cluster;

public sealed class ExistingClusterSettingsTests
{
    private static readonly Dictionary<string, string?> Complete = new(StringComparer.Ordinal)
    {
        ["E2E_KUBECONFIG"] = "/k",
        ["E2E_NODE_COMMAND"] = "ssh  root@node",
        ["E2E_HOST_ADDRESS"] = "192.0.2.7",
    };

    [Fact]
    public void From_CompleteEnvironment_IsRead()
    {
        var settings = ExistingClusterSettings.From(Complete.GetValueOrDefault);

        Assert.Equal("/k", settings.KubeconfigFile);
        Assert.Equal(["ssh", "root@node"], settings.NodeCommand);
        Assert.Equal("192.0.2.7", settings.HostAddress.ToString());
        Assert.Equal("10.96.0.0/16", settings.ServiceNetwork);
    }

    [Fact]
    public void From_EmptyEnvironment_NamesEverythingThatIsMissing()
    {
        var exception = Assert.Throws<ArgumentException>(() => ExistingClusterSettings.From(_ => ""));

        Assert.Equal(
            "E2E_CLUSTER is 'existing'. E2E_KUBECONFIG is empty: set it to the cluster's kubeconfig file. "
            + "E2E_NODE_COMMAND is empty: set it to a command that runs the words after it on a node, for example 'ssh root@node'. "
            + "E2E_HOST_ADDRESS is empty: set it to the address at which the cluster's pods reach this machine.",
            exception.Message);
    }

    [Theory]
    [InlineData("E2E_HOST_ADDRESS", "here", "E2E_HOST_ADDRESS is 'here': set it to an IP address.")]
    [InlineData("E2E_SERVICE_NETWORK", "10.96",
        "E2E_SERVICE_NETWORK is '10.96': set it to the addresses of Services, for example 10.96.0.0/16.")]
    public void From_WrongValue_NamesItAndTheRemedy(string name, string value, string sentence)
    {
        var exception = Assert.Throws<ArgumentException>(() =>
            ExistingClusterSettings.From(asked => asked == name ? value : Complete.GetValueOrDefault(asked)));

        Assert.Equal($"E2E_CLUSTER is 'existing'. {sentence}", exception.Message);
    }
}
