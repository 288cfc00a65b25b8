using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Unit.Tests.Certificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Trust;

/// <summary>What the order for a rotation writes, and what it says.</summary>
public sealed class RotationRequestTests : IAsyncLifetime
{
    private RotationFixture _fixture = null!;

    public async ValueTask InitializeAsync() => _fixture = await RotationFixture.StartAsync();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Place_Once_StartsARotation()
    {
        (await _fixture.RootsAsync()).Dispose();
        var answer = await _fixture.OrderAsync();
        Assert.True(answer.IsPlaced);
        Assert.Contains(
            $"root {await _fixture.IdAsync(RotationFixture.Root)} (generation 1, until 2041-05-03)", answer.Text, StringComparison.Ordinal);
        Assert.Contains("no node is replaced", answer.Text, StringComparison.Ordinal);
        Assert.Equal(RotationPhase.Prepare, (await _fixture.AdvanceAsync(isComplete: true)).Phase);
    }

    [Fact]
    public async Task Place_Again_ChangesNothingUntilItIsDone()
    {
        (await _fixture.RootsAsync()).Dispose();
        await _fixture.OrderAsync();
        var version = (await _fixture.FindAsync(RotationFixture.Root))!.Metadata.ResourceVersion;
        Assert.Contains("is already pending", (await _fixture.OrderAsync()).Text, StringComparison.Ordinal);
        Assert.Equal(version, (await _fixture.FindAsync(RotationFixture.Root))!.Metadata.ResourceVersion);

        await _fixture.AdvanceAsync(isComplete: true);
        Assert.Contains("is already pending", (await _fixture.OrderAsync()).Text, StringComparison.Ordinal);
        await _fixture.AdvanceAsync(isComplete: true, await _fixture.IdAsync(RotationFixture.Next));
        _fixture.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.DoesNotContain("is already pending", (await _fixture.OrderAsync()).Text, StringComparison.Ordinal);
        Assert.Equal(RotationPhase.Prepare, (await _fixture.AdvanceAsync(isComplete: true)).Phase);
    }

    [Fact]
    public async Task Place_Compromised_MarksTheRootAlsoDuringARotation()
    {
        (await _fixture.RootsAsync()).Dispose();
        await _fixture.OrderAsync();
        var answer = await _fixture.OrderAsync(isCompromised: true);
        Assert.Contains("replace them", answer.Text, StringComparison.Ordinal);
        var annotations = (await _fixture.FindAsync(RotationFixture.Root))!.Metadata.Annotations!;
        Assert.Equal(await _fixture.IdAsync(RotationFixture.Root), annotations[RootAnnotations.Compromised]);
        Assert.Contains("is already pending", (await _fixture.OrderAsync(isCompromised: true)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Place_WhereNothingCanBeRotated_WritesNothing()
    {
        Assert.False((await _fixture.OrderAsync()).IsPlaced);
        (await _fixture.RootsAsync()).Dispose();
        await _fixture.AnnotateAsync(RotationFixture.Root, RootAnnotations.CertManager, "root");
        Assert.Contains("cert-manager manages it", (await _fixture.OrderAsync()).Text, StringComparison.Ordinal);
        await using var external = await RotationFixture.StartAsync(RootSource.External);
        using var root = Samples.NewRoot();
        await external.ReplaceRootAsync(root);
        Assert.Contains("managed outside this service", (await external.OrderAsync()).Text, StringComparison.Ordinal);
        Assert.DoesNotContain(external.Server.Calls, call => call.Verb == "patch");
    }
}
