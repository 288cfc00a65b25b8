using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.Unit.Tests.Harness.Cluster;

public sealed class ClusterChoiceTests
{
    [Theory]
    [InlineData(null, true, ClusterBackend.Kind)]
    [InlineData(null, false, ClusterBackend.Local)]
    [InlineData("", false, ClusterBackend.Local)]
    [InlineData("auto", true, ClusterBackend.Kind)]
    [InlineData("auto", false, ClusterBackend.Local)]
    [InlineData("kind", false, ClusterBackend.Kind)]
    [InlineData("local", true, ClusterBackend.Local)]
    [InlineData("existing", true, ClusterBackend.Existing)]
    public async Task DecideAsync_Setting_NamesTheBackend(string? setting, bool kindIsUsable, ClusterBackend expected) =>
        Assert.Equal(expected, await ClusterChoice.DecideAsync(setting, () => Task.FromResult(kindIsUsable)));

    [Theory]
    [InlineData("kind")]
    [InlineData("local")]
    [InlineData("existing")]
    public async Task DecideAsync_NamedBackend_AsksNobody(string setting)
    {
        var asked = false;
        await ClusterChoice.DecideAsync(setting, () => Task.FromResult(asked = true));

        Assert.False(asked);
    }

    [Fact]
    public async Task DecideAsync_OtherValue_SaysWhatThereIs()
    {
        var exception =
            await Assert.ThrowsAsync<ArgumentException>(() => ClusterChoice.DecideAsync("docker", () => Task.FromResult(false)));

        Assert.Equal("E2E_CLUSTER is 'docker': use auto, kind, local or existing.", exception.Message);
    }
}
