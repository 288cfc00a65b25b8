using CapiRegistryHook.Cli.Commands;

namespace CapiRegistryHook.Unit.Tests.Cli.Options;

public sealed class ProgramNameTests
{
    [Theory]
    [InlineData("/usr/local/bin/capi-registry-hook", "capi-registry-hook", false)]
    [InlineData("capi-registry-hook", "capi-registry-hook", false)]
    [InlineData("/usr/local/bin/clusterctl-registry", "clusterctl registry", true)]
    [InlineData("/root/.krew/bin/kubectl-capi_registry", "kubectl capi-registry", true)]
    [InlineData("kubectlx", "kubectlx", false)]
    public void Of_FileName_IsWhatAPersonTypes(string path, string invocation, bool isPlugin) =>
        Assert.Equal(new ProgramName(invocation, isPlugin), ProgramName.Of(path));

    [Fact]
    public void InUsage_Help_NamesThePlugin() =>
        Assert.Equal(
            "Prints capi-registry-hook.\n\nUsage:\n  clusterctl registry status [options]\n",
            ProgramName.Of("clusterctl-registry").InUsage(
                "Prints capi-registry-hook.\n\nUsage:\n  capi-registry-hook status [options]\n", "capi-registry-hook"));
}
