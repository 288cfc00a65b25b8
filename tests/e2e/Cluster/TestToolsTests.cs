using System.Diagnostics;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

public sealed class TestToolsTests
{
    // The versions are part of the promise: the add-on provider for Helm uses Helm 3, and containerd 1.6 is the oldest that nodes have.
    [Theory]
    [InlineData("helm3", "version --short", "v3.17.3")]
    [InlineData("helm4", "version --short", "v4.1.4")]
    [InlineData("kubectl", "version --client", "v1.31.9")]
    [InlineData("skopeo", "--version", "1.9.3")]
    [InlineData("docker-registry", "--version", "2.8.2")]
    [InlineData("containerd", "--version", "1.6.20")]
    [InlineData("ctr", "--version", "1.6.20")]
    [InlineData("runc", "--version", "1.1.5")]
    [InlineData("iptables", "--version", "1.8.9")]
    [InlineData("busybox", "", "1.35.0")]
    public async Task PathOfAsync_KnownTool_IsThePromisedVersion(string name, string arguments, string version)
    {
        using var process =
            Process.Start(new ProcessStartInfo(await TestTools.PathOfAsync(name), arguments) { RedirectStandardOutput = true })!;
        var said = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Contains(version, said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PathOfAsync_UnknownTool_NamesTheOnesThatThereAre()
    {
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() => TestTools.PathOfAsync("helm5"));

        Assert.Contains("there is no tool named 'helm5': use helm3, helm4, kubectl", exception.Message, StringComparison.Ordinal);
    }
}
