namespace CapiRegistryHook.EndToEnd.Tests.Nodes;

/// <summary>
/// A real containerd with the hosts files and the CA that nodes are made with: 1.6, or the one that <see cref="CriNode"/> is told to take.
/// </summary>
public sealed class ContainerdPullTests : IAsyncLifetime
{
    private const string Repository = "team/app:1";
    private const string Image = NodeFixture.Upstream + "/" + Repository;

    private NodeFixture _fixture = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _fixture = await NodeFixture.StartAsync(CancellationToken);

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Pull_AllUp_GoesToThePullAddress()
    {
        _fixture.GiveFiles("{}");
        var pull = await PushEverywhereAsync(Repository);

        Assert.Equal(pull[NodeFixture.Pull], await _fixture.PullAsync(Image, CancellationToken));
        Assert.False(_fixture.WasAsked(NodeFixture.Primary, "team/app"));
        Assert.False(_fixture.WasAsked(NodeFixture.Upstream, "team/app"));
    }

    [Fact]
    public async Task Pull_PullAddressDown_GoesToThePrimaryAndThenUpstream()
    {
        _fixture.GiveFiles("{}");
        var digests = await PushEverywhereAsync(Repository);

        await _fixture.StopAsync(NodeFixture.Pull);
        Assert.Equal(digests[NodeFixture.Primary], await _fixture.PullAsync(Image, CancellationToken));
        await _fixture.StopAsync(NodeFixture.Primary);
        Assert.Equal(digests[NodeFixture.Upstream], await _fixture.PullAsync(Image, CancellationToken));
    }

    [Fact]
    public async Task Pull_PrimaryDown_StillPulls()
    {
        _fixture.GiveFiles("{}");
        var digests = await PushEverywhereAsync(Repository);

        await _fixture.StopAsync(NodeFixture.Primary);

        Assert.Equal(digests[NodeFixture.Pull], await _fixture.PullAsync(Image, CancellationToken));
    }

    [Fact]
    public async Task Pull_NotInTheRegistry_FallsBackToUpstream()
    {
        _fixture.GiveFiles("{}");
        var upstream = await _fixture.PushAsync(NodeFixture.Upstream, Repository, CancellationToken);

        Assert.Equal(upstream, await _fixture.PullAsync(Image, CancellationToken));
        Assert.True(_fixture.WasAsked(NodeFixture.Pull, "team/app"));
        Assert.True(_fixture.WasAsked(NodeFixture.Primary, "team/app"));
    }

    [Fact]
    public async Task Pull_StrictAndNotInTheRegistry_Fails()
    {
        _fixture.GiveFiles("{ strict: true }");
        await _fixture.PushAsync(NodeFixture.Upstream, Repository, CancellationToken);

        Assert.Null(await _fixture.PullAsync(Image, CancellationToken));
        Assert.True(_fixture.WasAsked(NodeFixture.Pull, "team/app"));
        Assert.True(_fixture.WasAsked(NodeFixture.Primary, "team/app"));
        Assert.False(_fixture.WasAsked(NodeFixture.Upstream, "team/app"));
    }

    [Fact]
    public async Task Pull_Strict_KeepsTheOrder()
    {
        _fixture.GiveFiles("{ strict: true }");
        var digests = await PushEverywhereAsync(Repository);

        Assert.Equal(digests[NodeFixture.Pull], await _fixture.PullAsync(Image, CancellationToken));
        await _fixture.StopAsync(NodeFixture.Pull);
        Assert.Equal(digests[NodeFixture.Primary], await _fixture.PullAsync(Image, CancellationToken));
        await _fixture.StopAsync(NodeFixture.Primary);
        Assert.Null(await _fixture.PullAsync(Image, CancellationToken));
    }

    [Fact]
    public async Task Pull_PerUpstream_LooksBelowTheHostAndLeavesOtherHostsAlone()
    {
        _fixture.GiveFiles($"{{ mode: perUpstream, upstreams: [{NodeFixture.Upstream}] }}");
        await _fixture.PushAsync(NodeFixture.Pull, Repository, CancellationToken);
        var below = await _fixture.PushAsync(NodeFixture.Pull, $"{NodeFixture.Upstream}/{Repository}", CancellationToken);
        await _fixture.PushAsync(NodeFixture.Upstream, Repository, CancellationToken);

        Assert.Equal(below, await _fixture.PullAsync(Image, CancellationToken));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData($"{{ mode: perUpstream, upstreams: [{NodeFixture.Upstream}] }}")]
    public async Task Pull_ByTheRegistrysOwnAddress_IsTrusted(string mirror)
    {
        _fixture.GiveFiles(mirror);
        var digest = await _fixture.PushAsync(NodeFixture.Primary, Repository, CancellationToken);

        Assert.Equal(digest, await _fixture.PullAsync($"{NodeFixture.Primary}/{Repository}", CancellationToken));
    }

    [Fact]
    public async Task Pull_ForeignCa_IsNotTrusted()
    {
        _fixture.GiveFiles("{ strict: true }");
        _fixture.GiveForeignCa();
        await PushEverywhereAsync(Repository);

        Assert.Null(await _fixture.PullAsync(Image, CancellationToken));
    }

    private async Task<Dictionary<string, string>> PushEverywhereAsync(string repository)
    {
        var digests = new Dictionary<string, string>();
        foreach (var address in new[] { NodeFixture.Pull, NodeFixture.Primary, NodeFixture.Upstream })
            digests[address] = await _fixture.PushAsync(address, repository, CancellationToken);
        return digests;
    }
}
