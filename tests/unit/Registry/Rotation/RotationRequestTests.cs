using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Unit.Tests.Certificates;
using Xunit;

namespace CapiRegistryHook.Unit.Tests.Registry.Rotation;

/// <summary>What the order for a rotation writes, and what it says.</summary>
public sealed class RotationRequestTests : IAsyncLifetime
{
    private RotationScene _scene = null!;

    public async ValueTask InitializeAsync() => _scene = await RotationScene.SetAsync();

    public ValueTask DisposeAsync() => _scene.DisposeAsync();

    [Fact]
    public async Task Place_Once_StartsARotation()
    {
        (await _scene.RootsAsync()).Dispose();
        var answer = await _scene.OrderAsync();
        Assert.True(answer.IsPlaced);
        Assert.Contains(
            $"root {await _scene.IdAsync(RotationScene.Root)} (generation 1, until 2041-05-03)", answer.Text, StringComparison.Ordinal);
        Assert.Contains("no node is replaced for this", answer.Text, StringComparison.Ordinal);
        Assert.Equal(RotationPhase.Prepare, (await _scene.AdvanceAsync(isComplete: true)).Phase);
    }

    [Fact]
    public async Task Place_Again_ChangesNothingUntilItIsDone()
    {
        (await _scene.RootsAsync()).Dispose();
        await _scene.OrderAsync();
        var version = (await _scene.FindAsync(RotationScene.Root))!.Metadata.ResourceVersion;
        Assert.Contains("on its way already", (await _scene.OrderAsync()).Text, StringComparison.Ordinal);
        Assert.Equal(version, (await _scene.FindAsync(RotationScene.Root))!.Metadata.ResourceVersion);

        await _scene.AdvanceAsync(isComplete: true);
        Assert.Contains("on its way already", (await _scene.OrderAsync()).Text, StringComparison.Ordinal);
        await _scene.AdvanceAsync(isComplete: true, await _scene.IdAsync(RotationScene.Next));
        _scene.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.DoesNotContain("on its way already", (await _scene.OrderAsync()).Text, StringComparison.Ordinal);
        Assert.Equal(RotationPhase.Prepare, (await _scene.AdvanceAsync(isComplete: true)).Phase);
    }

    [Fact]
    public async Task Place_Compromised_MarksTheRootAlsoDuringARotation()
    {
        (await _scene.RootsAsync()).Dispose();
        await _scene.OrderAsync();
        var answer = await _scene.OrderAsync(isCompromised: true);
        Assert.Contains("replace them", answer.Text, StringComparison.Ordinal);
        var annotations = (await _scene.FindAsync(RotationScene.Root))!.Metadata.Annotations!;
        Assert.Equal(await _scene.IdAsync(RotationScene.Root), annotations[RootAnnotations.Compromised]);
        Assert.Contains("on its way already", (await _scene.OrderAsync(isCompromised: true)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Place_WhereNothingCanBeRotated_WritesNothing()
    {
        Assert.False((await _scene.OrderAsync()).IsPlaced);
        (await _scene.RootsAsync()).Dispose();
        await _scene.AnnotateAsync(RotationScene.Root, RootAnnotations.CertManager, "root");
        Assert.Contains("written by cert-manager", (await _scene.OrderAsync()).Text, StringComparison.Ordinal);
        await using var external = await RotationScene.SetAsync(RootSource.External);
        using var root = Samples.NewRoot();
        await external.ReplaceRootAsync(root);
        Assert.Contains("made outside of this service", (await external.OrderAsync()).Text, StringComparison.Ordinal);
        Assert.DoesNotContain(external.Server.Calls, call => call.Verb == "patch");
    }
}
