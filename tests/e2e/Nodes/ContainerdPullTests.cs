namespace CapiRegistryHook.EndToEnd.Tests.Nodes;

/// <summary>A real containerd (1.6) with the hosts files and the CA that nodes are made with.</summary>
public sealed class ContainerdPullTests : IAsyncLifetime
{
    private const string Repository = "team/app:1";
    private const string Image = NodeScene.Upstream + "/" + Repository;

    private NodeScene _scene = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _scene = await NodeScene.SetAsync(Cancelled);

    public ValueTask DisposeAsync() => _scene.DisposeAsync();

    [Fact]
    public async Task Pull_AllUp_GoesToThePullAddress()
    {
        _scene.GiveFiles("{}");
        var pull = await PushEverywhereAsync(Repository);

        Assert.Equal(pull[NodeScene.Pull], await _scene.PullAsync(Image, Cancelled));
        Assert.False(_scene.WasAsked(NodeScene.Primary, "team/app"));
        Assert.False(_scene.WasAsked(NodeScene.Upstream, "team/app"));
    }

    [Fact]
    public async Task Pull_PullAddressDown_GoesToThePrimaryAndThenUpstream()
    {
        _scene.GiveFiles("{}");
        var digests = await PushEverywhereAsync(Repository);

        await _scene.StopAsync(NodeScene.Pull);
        Assert.Equal(digests[NodeScene.Primary], await _scene.PullAsync(Image, Cancelled));
        await _scene.StopAsync(NodeScene.Primary);
        Assert.Equal(digests[NodeScene.Upstream], await _scene.PullAsync(Image, Cancelled));
    }

    [Fact]
    public async Task Pull_PrimaryDown_StillPulls()
    {
        _scene.GiveFiles("{}");
        var digests = await PushEverywhereAsync(Repository);

        await _scene.StopAsync(NodeScene.Primary);

        Assert.Equal(digests[NodeScene.Pull], await _scene.PullAsync(Image, Cancelled));
    }

    [Fact]
    public async Task Pull_NotInTheRegistry_FallsBackToUpstream()
    {
        _scene.GiveFiles("{}");
        var upstream = await _scene.PushAsync(NodeScene.Upstream, Repository, Cancelled);

        Assert.Equal(upstream, await _scene.PullAsync(Image, Cancelled));
        Assert.True(_scene.WasAsked(NodeScene.Pull, "team/app"));
        Assert.True(_scene.WasAsked(NodeScene.Primary, "team/app"));
    }

    [Fact]
    public async Task Pull_StrictAndNotInTheRegistry_Fails()
    {
        _scene.GiveFiles("{ strict: true }");
        await _scene.PushAsync(NodeScene.Upstream, Repository, Cancelled);

        Assert.Null(await _scene.PullAsync(Image, Cancelled));
        Assert.True(_scene.WasAsked(NodeScene.Pull, "team/app"));
        Assert.True(_scene.WasAsked(NodeScene.Primary, "team/app"));
        Assert.False(_scene.WasAsked(NodeScene.Upstream, "team/app"));
    }

    [Fact]
    public async Task Pull_Strict_KeepsTheOrder()
    {
        _scene.GiveFiles("{ strict: true }");
        var digests = await PushEverywhereAsync(Repository);

        Assert.Equal(digests[NodeScene.Pull], await _scene.PullAsync(Image, Cancelled));
        await _scene.StopAsync(NodeScene.Pull);
        Assert.Equal(digests[NodeScene.Primary], await _scene.PullAsync(Image, Cancelled));
        await _scene.StopAsync(NodeScene.Primary);
        Assert.Null(await _scene.PullAsync(Image, Cancelled));
    }

    [Fact]
    public async Task Pull_PerUpstream_LooksBelowTheHostAndLeavesOtherHostsAlone()
    {
        _scene.GiveFiles($"{{ mode: perUpstream, upstreams: [{NodeScene.Upstream}] }}");
        await _scene.PushAsync(NodeScene.Pull, Repository, Cancelled);
        var below = await _scene.PushAsync(NodeScene.Pull, $"{NodeScene.Upstream}/{Repository}", Cancelled);
        await _scene.PushAsync(NodeScene.Upstream, Repository, Cancelled);

        Assert.Equal(below, await _scene.PullAsync(Image, Cancelled));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData($"{{ mode: perUpstream, upstreams: [{NodeScene.Upstream}] }}")]
    public async Task Pull_ByTheRegistrysOwnAddress_IsTrusted(string mirror)
    {
        _scene.GiveFiles(mirror);
        var digest = await _scene.PushAsync(NodeScene.Primary, Repository, Cancelled);

        Assert.Equal(digest, await _scene.PullAsync($"{NodeScene.Primary}/{Repository}", Cancelled));
    }

    [Fact]
    public async Task Pull_ForeignCa_IsNotTrusted()
    {
        _scene.GiveFiles("{ strict: true }");
        _scene.GiveForeignCa();
        await PushEverywhereAsync(Repository);

        Assert.Null(await _scene.PullAsync(Image, Cancelled));
    }

    private async Task<Dictionary<string, string>> PushEverywhereAsync(string repository)
    {
        var digests = new Dictionary<string, string>();
        foreach (var address in new[] { NodeScene.Pull, NodeScene.Primary, NodeScene.Upstream })
            digests[address] = await _scene.PushAsync(address, repository, Cancelled);
        return digests;
    }
}
