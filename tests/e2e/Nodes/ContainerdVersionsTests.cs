using CapiRegistryHook.Registry.Logins;

namespace CapiRegistryHook.EndToEnd.Tests.Nodes;

/// <summary>
/// Nodes with another containerd than the one that the other tests have, from its configuration to pulls by CRI. docs/nodes.md says which
/// versions these are and how to choose one.
/// </summary>
public sealed class ContainerdVersionsTests : IAsyncLifetime
{
    private const string Repository = "team/app:1";
    private const string Image = NodeFixture.Upstream + "/" + Repository;
    private const string DropIn = "/etc/containerd/conf.d/registry-addon.toml";
    private const string AlreadyRead = "containerd reads /etc/containerd/certs.d already";
    private const string Imports = "imports = [\"/etc/containerd/conf.d/*.toml\"]\n";

    private static readonly Dictionary<(string Name, string Key), string> NoSecrets = [];

    private readonly Dictionary<string, string> _addresses = [];
    private NodeFixture _fixture = null!;
    private CriNode _node = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>True where a drop-in adds to a plugin's section instead of replacing it.</summary>
    private bool Merges => _node.ConfigurationVersion > 2;

    public async ValueTask InitializeAsync()
    {
        _fixture = await NodeFixture.StartRegistriesAsync(CancellationToken);
        foreach (var address in new[] { NodeFixture.Pull, NodeFixture.Primary, NodeFixture.Upstream })
            _addresses[await _fixture.PushAsync(address, Repository, CancellationToken)] = address;
        _node = await CriNode.CreateAsync(_fixture.Sandbox, CancellationToken);
    }

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Pull_ImageBuildersConfiguration_GoesToThePullAddressThePrimaryAndUpstream()
    {
        // One that containerd has to migrate first, too.
        for (var version = _node.ConfigurationVersion; version >= 2; version--)
        {
            await _node.StartAsync(ImageBuilder(version), CancellationToken);
            Assert.Equal(NodeFixture.Upstream, await PullAsync());

            Assert.Contains(Merges ? $"added {DropIn}" : $"changed {CriNode.Main}", await GiveFilesAsync(), StringComparison.Ordinal);

            Assert.Equal(1, _node.Restarts);
            Assert.Equal(NodeFixture.Pull, await PullAsync());
            var effective = await _fixture.Sandbox.RunWellAsync("containerd", ["config", "dump"], CancellationToken);
            Assert.Contains("pause:of-the-image", effective, StringComparison.Ordinal);
            Assert.Contains("SystemdCgroup = true", effective, StringComparison.Ordinal);
        }

        Assert.Contains(AlreadyRead, await GiveFilesAsync(), StringComparison.Ordinal);
        Assert.Equal(1, _node.Restarts);
        await _fixture.StopAsync(NodeFixture.Pull);
        Assert.Equal(NodeFixture.Primary, await PullAsync());
        await _fixture.StopAsync(NodeFixture.Primary);
        Assert.Equal(NodeFixture.Upstream, await PullAsync());
    }

    [Fact]
    public async Task Pull_OtherConfigurations_GoesToThePullAddress()
    {
        await AssertPullsAsync("no main file", null);
        await AssertPullsAsync("no version", "disabled_plugins = []\n");
        await AssertPullsAsync("no version, drop-ins", Imports);
        await AssertPullsAsync("its own defaults", await DefaultsAsync());
        await AssertPullsAsync("a login that containerd has itself", $"""
            version = 2
            [plugins."io.containerd.grpc.v1.cri".registry.configs."{NodeFixture.Upstream}".auth]
              username = "somebody"
              password = "a password"

            """);
    }

    /// <summary>The transfer service of containerd 2.1 reads the list as the name of one directory, and says nothing.</summary>
    [Fact]
    public async Task Pull_ConfigPathIsAList_GoesToThePullAddress()
    {
        const string List = """
            version = 2
            [plugins."io.containerd.grpc.v1.cri".registry]
              config_path = "/etc/containerd/certs.d:/etc/docker/certs.d"

            """;
        await AssertPullsAsync("a list", List);
        Assert.Equal(Merges ? 1 : 0, _node.Restarts);

        _fixture.Sandbox.Write("/etc/docker/certs.d/registry.example/ca.crt", "");
        await _node.StartAsync(List, CancellationToken);
        Assert.Contains(
            Merges ? "/etc/docker/certs.d has files too" : AlreadyRead, await GiveFilesAsync(), StringComparison.Ordinal);
        Assert.Equal(0, _node.Restarts);
    }

    [Fact]
    public async Task Run_OldMirrors_KeepWorkingAsTheyDid()
    {
        var main = $"""
            version = 2
            [plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
              endpoint = ["https://{NodeFixture.Upstream}"]

            """;
        await _node.StartAsync(main, CancellationToken);

        Assert.Contains("rule out config_path", await GiveFilesAsync(), StringComparison.Ordinal);

        Assert.Equal(0, _node.Restarts);
        Assert.Equal(main, await File.ReadAllTextAsync(_fixture.Sandbox.Outside(CriNode.Main), CancellationToken));
        Assert.Equal(NodeFixture.Upstream, await PullAsync("docker.io/" + Repository));
    }

    [Fact]
    public async Task Pull_StrictWithALogin_TakesNothingElse()
    {
        var login = RegistryLogin.Generate();
        await _fixture.RequireLoginAsync(NodeFixture.Pull, login, CancellationToken);
        await _fixture.RequireLoginAsync(NodeFixture.Primary, login, CancellationToken);
        var secrets = new Dictionary<(string Name, string Key), string>
        {
            [("c1-registry-addon-login", "mirrorLogin")] = $"{login.UserName}:{login.Password}",
        };
        await _node.StartAsync(ImageBuilder(_node.ConfigurationVersion), CancellationToken);
        await GiveFilesAsync("{ auth: { generate: true }, mirror: { strict: true } }", secrets);

        Assert.Equal(NodeFixture.Pull, await PullAsync());
        await _fixture.StopAsync(NodeFixture.Pull);
        Assert.Equal(NodeFixture.Primary, await PullAsync());
        _fixture.GiveForeignCa();
        Assert.Equal("nobody", await PullAsync());
        Assert.False(_fixture.WasAsked(NodeFixture.Upstream, "team/app"));
    }

    [Fact]
    public async Task Pull_RootRotated_IsTrustedByTheCrossCertificateAlone()
    {
        await _node.StartAsync(ImageBuilder(_node.ConfigurationVersion), CancellationToken);
        await GiveFilesAsync("{ mirror: { strict: true } }", NoSecrets);

        await _fixture.RotateRootAsync(NodeFixture.Pull, isCrossCertified: false, CancellationToken);
        Assert.Equal(NodeFixture.Primary, await PullAsync());
        await _fixture.RotateRootAsync(NodeFixture.Pull, isCrossCertified: true, CancellationToken);
        Assert.Equal(NodeFixture.Pull, await PullAsync());
    }

    /// <summary>What image-builder writes without <c>config_path</c>, in a version of containerd's configuration.</summary>
    private static string ImageBuilder(int version) => version == 2
        ? $"""
            version = 2
            {Imports}
            [plugins]
              [plugins."io.containerd.grpc.v1.cri"]
                sandbox_image = "registry.k8s.io/pause:of-the-image"
              [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
                runtime_type = "io.containerd.runc.v2"
              [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
                SystemdCgroup = true

            """
        : $"""
            version = {version}
            {Imports}
            [plugins]
              [plugins."io.containerd.cri.v1.images".pinned_images]
                sandbox = "registry.k8s.io/pause:of-the-image"
              [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
                runtime_type = "io.containerd.runc.v2"
              [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
                SystemdCgroup = true

            """;

    /// <summary>The name of the case is in the message of a failure.</summary>
    private async Task AssertPullsAsync(string name, string? main)
    {
        await _node.StartAsync(main, CancellationToken);
        var said = await GiveFilesAsync();
        Assert.Equal($"{name}: {NodeFixture.Pull}",
            $"{name}: {await PullAsync()}{(said.Contains("pulls do not go", StringComparison.Ordinal) ? said : "")}");
    }

    private async Task<string> DefaultsAsync() =>
        await _fixture.Sandbox.RunWellAsync("containerd", ["config", "default"], CancellationToken);

    private Task<string> GiveFilesAsync() => GiveFilesAsync("{}", NoSecrets);

    private Task<string> GiveFilesAsync(string registry, Dictionary<(string Name, string Key), string> secrets) =>
        _fixture.GiveFilesAsync(registry, secrets, CancellationToken);

    /// <summary>Who the image came from.</summary>
    private async Task<string> PullAsync(string image = Image) =>
        await _node.PullAsync(image, CancellationToken) is { } digest ? _addresses[digest] : "nobody";
}
