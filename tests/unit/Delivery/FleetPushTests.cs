using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Pushing;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Unit.Tests.Content;

namespace CapiRegistryHook.Unit.Tests.Delivery;

/// <summary>A backup is pushed: the syncer and the upgrade gate believe the locks in it.</summary>
public sealed class FleetPushTests : IDisposable
{
    private const string Lock = $"{ContentArtifact.Repository}:team-a.base";

    private readonly MemoryRegistry _registry = new();
    private readonly MemorySource _source = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _registry.Dispose();

    [Fact]
    public async Task Run_LocksOfABackup_ComeAfterAllContent()
    {
        var result = await PushAsync((Lock, _source.AddImage("lock")), ("test/a:1", _source.AddImage("a")), ("test/b:1", _source.AddImage("b")));

        Assert.Empty(result.Failures);
        Assert.Equal(3, result.Report!.Copied.Count);
        Assert.Equal(["lock", "lock"], _registry.Calls.Where(call => call.StartsWith("PUT", StringComparison.Ordinal)
            && call.Contains("/manifests/", StringComparison.Ordinal)).TakeLast(2)
            .Select(call => call.Contains(ContentArtifact.Repository, StringComparison.Ordinal) ? "lock" : "content"));
    }

    [Fact]
    public async Task Run_ContentOfABackupFails_SendsNoLock()
    {
        var layer = Fixtures.Bytes(100);
        var broken = _source.AddImage("broken", "amd64", layer);
        _source.Files.Remove(Digest.Compute(layer));

        var result = await PushAsync((Lock, _source.AddImage("lock")), ("test/a:1", broken));

        Assert.Contains($"docker.io/{Lock}: It is not sent, because what it lists may not be complete.", result.Failures);
        Assert.DoesNotContain(_registry.Manifests.Keys, key => key.StartsWith(ContentArtifact.Repository, StringComparison.Ordinal));
    }

    private async Task<PushResult> PushAsync(params (string Name, Descriptor Root)[] content)
    {
        var entries = content.Select(entry => new SourceEntry($"docker.io/{entry.Name}", _source, entry.Root)
        {
            Name = Reference.Parse($"docker.io/{entry.Name}"),
        }).ToList();
        var address = new TargetAddress("default/one", _ => Task.FromResult(new RegistryTarget("default/one", MirrorRule.ByPath,
            [new RegistryReplica("registry-0", new Uri("https://registry.test/"), _registry, new RegistryOptions { Retry = Fixtures.Impatient })],
            primary: 0)));
        return Assert.Single(await new FleetPush(entries, new PushOptions { Workers = 1 }).RunAsync([address], Cancelled));
    }
}
