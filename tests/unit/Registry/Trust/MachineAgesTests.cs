using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Unit.Tests.Certificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Trust;

/// <summary>Which nodes may have been made with an older CA file.</summary>
public sealed class MachineAgesTests : IAsyncLifetime
{
    private RotationFixture _fixture = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _fixture = await RotationFixture.StartAsync();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task OlderThan_MachinesAndPools_CountsTheOldOnesOfThisClusterAndNamesTheOldest()
    {
        // Timestamps have whole seconds.
        var first = Samples.PresentSecond;
        await _fixture.AddMachineAsync("other", cluster: "c2");
        await _fixture.AddMachineAsync("pool", "machinepools");
        _fixture.Time.Advance(TimeSpan.FromDays(1));
        await _fixture.AddMachineAsync("worker");
        _fixture.Time.Advance(TimeSpan.FromDays(1));
        await _fixture.AddMachineAsync("young");

        Assert.Equal(OldMachines.None, await OlderThanAsync(first));
        Assert.Equal(new OldMachines(1, "MachinePool pool", first), await OlderThanAsync(first.AddHours(1)));
        Assert.Equal(new OldMachines(2, "MachinePool pool", first), await OlderThanAsync(first.AddDays(1.5)));
        Assert.Equal(3, (await OlderThanAsync(first.AddDays(9))).Count);
    }

    [Fact]
    public async Task OlderThan_MachinePoolsAreNotServed_CountsMachines()
    {
        await _fixture.AddMachineAsync("worker");
        _fixture.Server.InjectFault(call => call.Resource == "machinepools" ? Fault.Status(404, "NotFound") : null);

        Assert.Equal(1, (await OlderThanAsync(_fixture.Time.GetUtcNow().AddDays(1))).Count);
    }

    /// <summary>Not to know is not to have none: a root must not be dropped then.</summary>
    [Theory]
    [InlineData("machines")]
    [InlineData("machinepools")]
    public async Task OlderThan_ListFails_Throws(string resource)
    {
        _fixture.Server.InjectFault(call => call.Resource == resource ? Fault.Status(403, "Forbidden") : null);

        await Assert.ThrowsAsync<KubernetesApiException>(() => OlderThanAsync(_fixture.Time.GetUtcNow()));
    }

    [Theory]
    [InlineData(1, 2, "left")]
    [InlineData(2, 1, "right")]
    [InlineData(1, 1, "left")]
    public void Plus_Both_AddsAndKeepsTheOldest(int left, int right, string oldest)
    {
        var moment = _fixture.Time.GetUtcNow();

        var sum = new OldMachines(2, "left", moment.AddDays(left)) + new OldMachines(3, "right", moment.AddDays(right));

        Assert.Equal(new OldMachines(5, oldest, moment.AddDays(1)), sum);
    }

    [Fact]
    public void Plus_None_ChangesNothing()
    {
        var some = new OldMachines(1, "a", _fixture.Time.GetUtcNow());

        Assert.Equal(
            (some, some, OldMachines.None), (some + OldMachines.None, OldMachines.None + some, OldMachines.None + OldMachines.None));
    }

    private Task<OldMachines> OlderThanAsync(DateTimeOffset moment) =>
        new MachineAges(_fixture.Client).OlderThanAsync(_fixture.Plan, moment, CancellationToken);
}
