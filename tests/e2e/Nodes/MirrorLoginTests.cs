using CapiRegistryHook.Registry.Logins;

namespace CapiRegistryHook.EndToEnd.Tests.Nodes;

/// <summary>A real containerd with what versions 2 and 3 put on nodes, and real registries that ask for logins.</summary>
public sealed class MirrorLoginTests : IAsyncLifetime
{
    private const string Mirror = "192.0.2.20";
    private const string Repository = "team/app:1";
    private const string Image = NodeFixture.Upstream + "/" + Repository;
    private const string LoginFile = "/etc/containerd/registry-addon/login";

    private readonly RegistryLogin _login = RegistryLogin.Generate();
    private NodeFixture _fixture = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    private static Dictionary<(string, string), string> OwnLogin(RegistryLogin login) =>
        new() { [("c1-registry-addon-login", "mirrorLogin")] = $"{login.UserName}:{login.Password}" };

    public async ValueTask InitializeAsync()
    {
        _fixture = await NodeFixture.StartAsync(CancellationToken);
        foreach (var address in new[] { NodeFixture.Pull, NodeFixture.Primary })
            await _fixture.RequireLoginAsync(address, _login, CancellationToken);
    }

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Pull_RegistryAsksForALogin_NodesHaveIt()
    {
        await _fixture.GiveFilesAsync("{ auth: { generate: true } }", OwnLogin(_login), CancellationToken);
        var digest = await _fixture.PushAsync(NodeFixture.Pull, Repository, CancellationToken, _login);
        await _fixture.PushAsync(NodeFixture.Upstream, Repository, CancellationToken);

        Assert.Equal(digest, await _fixture.PullAsync(Image, CancellationToken));
        Assert.False(_fixture.WasAsked(NodeFixture.Upstream, "team/app"));
        Assert.DoesNotContain("@", _fixture.HostsOf("_default"), StringComparison.Ordinal);
        Assert.False(_fixture.HasFile(LoginFile));
    }

    [Fact]
    public async Task Pull_Strict_TheLastMirrorGetsTheLoginToo()
    {
        await _fixture.GiveFilesAsync("{ auth: { generate: true }, mirror: { strict: true } }", OwnLogin(_login), CancellationToken);
        var digest = await _fixture.PushAsync(NodeFixture.Primary, Repository, CancellationToken, _login);
        await _fixture.PushAsync(NodeFixture.Upstream, Repository, CancellationToken);

        Assert.Equal(digest, await _fixture.PullAsync(Image, CancellationToken));
        await _fixture.StopAsync(NodeFixture.Primary);
        Assert.Null(await _fixture.PullAsync(Image, CancellationToken));
        Assert.False(_fixture.WasAsked(NodeFixture.Upstream, "team/app"));
    }

    [Fact]
    public async Task Pull_PasswordRotated_FormerNodesPullUntilItIsDropped()
    {
        await _fixture.GiveFilesAsync("{ auth: { generate: true }, mirror: { strict: true } }", OwnLogin(_login), CancellationToken);
        var next = _login.Rotate();
        await _fixture.RequireLoginAsync(NodeFixture.Pull, next, CancellationToken);
        var digest = await _fixture.PushAsync(NodeFixture.Pull, Repository, CancellationToken, next);

        Assert.Equal(digest, await _fixture.PullAsync(Image, CancellationToken));
        await _fixture.RequireLoginAsync(NodeFixture.Pull, next.WithoutFormer(), CancellationToken);
        Assert.Null(await _fixture.PullAsync(Image, CancellationToken));
        await _fixture.GiveFilesAsync("{ auth: { generate: true }, mirror: { strict: true } }", OwnLogin(next), CancellationToken);
        Assert.Equal(digest, await _fixture.PullAsync(Image, CancellationToken));
    }

    /// <summary>The state before version 2: the mirror is off, and nothing fails.</summary>
    [Fact]
    public async Task Pull_NodesHaveNoLogin_ComesFromUpstream()
    {
        _fixture.GiveFiles("{}");
        await _fixture.PushAsync(NodeFixture.Pull, Repository, CancellationToken, _login);
        var upstream = await _fixture.PushAsync(NodeFixture.Upstream, Repository, CancellationToken);

        Assert.Equal(upstream, await _fixture.PullAsync(Image, CancellationToken));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Pull_NotInTheRegistry_ComesFromTheFallbackBeforeUpstream(bool strict)
    {
        var mirrorLogin = RegistryLogin.Generate();
        var secrets = OwnLogin(_login);
        secrets[("mirror-ca", "ca.crt")] = await _fixture.StartMirrorAsync(Mirror, CancellationToken);
        secrets[("mirror-login", "mirrorLogin")] = $"{mirrorLogin.UserName}:{mirrorLogin.Password}\n";
        await _fixture.RequireLoginAsync(Mirror, mirrorLogin, CancellationToken);
        await _fixture.GiveFilesAsync(
            $"{{ auth: {{ generate: true }}, mirror: {{ strict: {(strict ? "true" : "false")}, fallbacks: "
                + $"[{{ url: 'https://{Mirror}/v2/hub', caSecretName: mirror-ca, loginSecretName: mirror-login }}] }} }}", secrets,
            CancellationToken);
        await _fixture.PushAsync(NodeFixture.Upstream, Repository, CancellationToken);
        var fallback = await _fixture.PushAsync(Mirror, $"hub/{Repository}", CancellationToken, mirrorLogin);

        Assert.Equal(fallback, await _fixture.PullAsync(Image, CancellationToken));
        Assert.True(_fixture.WasAsked(NodeFixture.Pull, "team/app"));
        Assert.True(_fixture.WasAsked(NodeFixture.Primary, "team/app"));
        Assert.False(_fixture.WasAsked(NodeFixture.Upstream, "team/app"));
        var own = await _fixture.PushAsync(NodeFixture.Pull, Repository, CancellationToken, _login);
        Assert.Equal(own, await _fixture.PullAsync(Image, CancellationToken));
    }

    [Fact]
    public async Task Pull_FallbackOfOneUpstream_IsNotAskedForOtherHosts()
    {
        var secrets = OwnLogin(_login);
        secrets[("mirror-ca", "ca.crt")] = await _fixture.StartMirrorAsync(Mirror, CancellationToken);
        await _fixture.GiveFilesAsync(
            $"{{ auth: {{ generate: true }}, mirror: {{ fallbacks: [{{ url: 'https://{Mirror}/v2', upstreams: [docker.io], "
                + "caSecretName: mirror-ca }] } }", secrets, CancellationToken);
        var upstream = await _fixture.PushAsync(NodeFixture.Upstream, Repository, CancellationToken);
        await _fixture.PushAsync(Mirror, Repository, CancellationToken);

        Assert.Equal(upstream, await _fixture.PullAsync(Image, CancellationToken));
        Assert.False(_fixture.WasAsked(Mirror, "team/app"));
        Assert.Equal(await _fixture.PushAsync(Mirror, "library/tool:1", CancellationToken),
            await _fixture.PullAsync("docker.io/library/tool:1", CancellationToken));
    }
}
