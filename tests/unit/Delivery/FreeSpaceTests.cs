using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Pushing;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Unit.Tests.Content;

namespace CapiRegistryHook.Unit.Tests.Delivery;

/// <summary>A dry run compares what would be sent with what the fullest replica has left, where that is known.</summary>
public sealed class FreeSpaceTests
{
    private readonly MemorySource _source = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task DryRun_FitsOnEveryReplica_SaysWhatTheFullestOneHasLeft()
    {
        var result = await PushAsync(new Dictionary<string, long> { ["registry-0"] = 1 << 20, ["registry-1"] = 1 << 19 });

        Assert.True(result.IsComplete);
        Assert.Equal(1 << 19, result.FreeSpace);
    }

    [Fact]
    public async Task DryRun_OneReplicaIsTooFull_FailsAndNamesIt()
    {
        var result = await PushAsync(new Dictionary<string, long> { ["registry-0"] = 1 << 20, ["registry-1"] = 7 });

        Assert.Equal(
            $"{result.Report!.BytesSent} bytes would be sent, and the volume of the replica registry-1 has 7 left: make it larger, or "
            + "remove content.", Assert.Single(result.Failures));
        Assert.Equal(7, result.FreeSpace);
    }

    [Fact]
    public async Task DryRun_OtherPodsOrNothingMeasured_IsComplete()
    {
        var other = await PushAsync(new Dictionary<string, long> { ["registry-cache-docker-io-0"] = 0 });
        var nothing = await PushAsync([]);
        var nobody = await PushAsync(null);

        Assert.All([other, nothing, nobody], result => Assert.Equal((true, null), (result.IsComplete, result.FreeSpace)));
    }

    private async Task<PushResult> PushAsync(Dictionary<string, long>? free)
    {
        var root = _source.AddImage("image", "amd64", new byte[1000]);
        var entry = new SourceEntry("docker.io/a/b:1", _source, root) { Name = Reference.Parse("docker.io/a/b:1") };
        using var target = new RegistryTarget("default/one", MirrorRule.ByPath, [.. Enumerable.Range(0, 2).Select(ordinal =>
            new RegistryReplica($"registry-{ordinal}", new Uri("https://registry.test/"), new MemoryRegistry(), new RegistryOptions()))],
            primary: 0)
        {
            ReadFreeSpaceAsync = free is null ? null : _ => Task.FromResult<IReadOnlyDictionary<string, long>>(free),
        };
        var push = new FleetPush([entry], new PushOptions { IsDryRun = true });
        return Assert.Single(await push.RunAsync([new TargetAddress(target.Name, _ => Task.FromResult(target))], Cancelled));
    }
}
