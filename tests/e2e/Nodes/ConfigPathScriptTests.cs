using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Nodes;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.EndToEnd.Tests.Nodes;

/// <summary>
/// The script that nodes run before kubeadm, against a real containerd 1.6 and a systemctl that only writes down what it is asked.
/// </summary>
public sealed class ConfigPathScriptTests : IAsyncLifetime
{
    private const string Main = "/etc/containerd/config.toml";
    private const string DropIn = "/etc/containerd/conf.d/registry-addon.toml";
    private const string Setting = "config_path = \"/etc/containerd/certs.d\"";

    private const string ImageBuilder = """
        ## template: jinja
        version = 2
        imports = ["/etc/containerd/conf.d/*.toml"]
        [plugins]
          [plugins."io.containerd.grpc.v1.cri"]
            sandbox_image = "registry.k8s.io/pause:3.9"
            [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
              runtime_type = "io.containerd.runc.v2"
              [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
                SystemdCgroup = true

        """;

    private NodeSandbox _sandbox = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _sandbox = await NodeSandbox.CreateAsync(CancellationToken);
        await _sandbox.WriteProgramAsync(
            "containerd", $"#!/bin/sh\nexec {await TestTools.PathOfAsync("containerd")} \"$@\"\n", CancellationToken);
        await GiveSystemctlAsync("exit 0");
        _sandbox.Write("/etc/containerd/registry-addon/config-path.sh", Script(NodeFormat.V3));
    }

    public ValueTask DisposeAsync() => _sandbox.DisposeAsync();

    [Theory]
    [InlineData(NodeFormat.V1)]
    [InlineData(NodeFormat.V3)]
    public async Task Run_ImageBuildersConfiguration_GetsOneLineAndKeepsTheRest(NodeFormat format)
    {
        _sandbox.Write("/etc/containerd/registry-addon/config-path.sh", Script(format));
        _sandbox.Write(Main, ImageBuilder);

        var said = await RunAsync("auto");

        Assert.Contains("changed /etc/containerd/config.toml", said, StringComparison.Ordinal);
        Assert.Equal($"{ImageBuilder}\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\n  {Setting}\n", Read(Main));
        var effective = await _sandbox.RunWellAsync("containerd", ["config", "dump"], CancellationToken);
        Assert.Contains(Setting, effective, StringComparison.Ordinal);
        Assert.Contains("SystemdCgroup = true", effective, StringComparison.Ordinal);
        Assert.Contains("pause:3.9", effective, StringComparison.Ordinal);
        Assert.Equal(1, Restarts());
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("dropIn")]
    public async Task Run_Again_ChangesAndRestartsNothing(string mode)
    {
        _sandbox.Write(Main, "version = 2\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n");
        await RunAsync(mode);
        var before = Snapshot();

        Assert.Contains("reads /etc/containerd/certs.d already", await RunAsync(mode), StringComparison.Ordinal);

        Assert.Equal(before, Snapshot());
        Assert.Equal(1, Restarts());
    }

    [Fact]
    public async Task Run_DropInWouldReplaceOtherSettings_IsNotLeftBehind()
    {
        _sandbox.Write(Main, ImageBuilder);

        Assert.Contains("a drop-in has no effect, or more than one", await RunAsync("dropIn"), StringComparison.Ordinal);

        Assert.Equal(ImageBuilder, Read(Main));
        Assert.False(File.Exists(_sandbox.Outside(DropIn)));
        Assert.Equal(0, Restarts());
    }

    [Fact]
    public async Task Run_DropInIsHarmless_IsTakenFirst()
    {
        const string Plain = "version = 2\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n";
        _sandbox.Write(Main, Plain);

        Assert.Contains("added", await RunAsync("auto"), StringComparison.Ordinal);

        Assert.Equal(Plain, Read(Main));
        Assert.Contains(Setting, Read(DropIn), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_NoConfigurationAtAll_MakesOne()
    {
        Assert.Contains("changed", await RunAsync("auto"), StringComparison.Ordinal);
        Assert.Equal($"version = 2\n\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\n  {Setting}\n", Read(Main));
    }

    [Fact]
    public async Task Run_FullDefaultConfiguration_ChangesItsOneLine()
    {
        var defaults = await _sandbox.RunWellAsync("containerd", ["config", "default"], CancellationToken);
        _sandbox.Write(Main, defaults);

        await RunAsync("auto");

        Assert.Equal(defaults.Replace("      config_path = \"\"", "  " + Setting, StringComparison.Ordinal), Read(Main));
    }

    [Theory]
    [InlineData("version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\n  config_path = \"/etc/containerd/certs.d\"\n", "already")]
    [InlineData("version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\n  config_path = \"/elsewhere\"\n", "another config_path")]
    [InlineData("version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"docker.io\"]\n  endpoint = "
        + "[\"https://a.example\"]\n", "rule out config_path")]
    [InlineData("version = \n", "can't read")]
    public async Task Run_ConfigurationThatIsNotOursToChange_IsLeftAlone(string configuration, string sentence)
    {
        _sandbox.Write(Main, configuration);

        Assert.Contains(sentence, await RunAsync("auto"), StringComparison.Ordinal);

        Assert.Equal(configuration, Read(Main));
        Assert.Equal(0, Restarts());
    }

    [Theory]
    [InlineData("auto", ImageBuilder)]
    [InlineData("auto", "version = 2\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n")]
    public async Task Run_ContainerdDoesNotComeBack_IsUndone(string mode, string configuration)
    {
        _sandbox.Write(Main, configuration);
        await GiveSystemctlAsync($"[ \"$1\" != try-restart ] || [ -f {_sandbox["failed"]} ] || {{ touch {_sandbox["failed"]}; exit 1; }}");

        Assert.Contains("did not start", await RunAsync(mode), StringComparison.Ordinal);

        Assert.Equal(configuration, Read(Main));
        Assert.False(File.Exists(_sandbox.Outside(DropIn)));
        Assert.Equal(2, Restarts());
    }

    [Fact]
    public async Task Run_UnitNamesAnotherFile_ChangesThatOne()
    {
        _sandbox.Write("/etc/containerd/other.toml", "version = 2\n");
        await GiveSystemctlAsync(
            "[ \"$1\" != show ] || echo 'ExecStart={ path=/usr/bin/containerd ; argv[]=/usr/bin/containerd --config "
                + "/etc/containerd/other.toml ; pid=1 }'");

        await RunAsync("auto");

        Assert.Contains(Setting, Read("/etc/containerd/other.toml"), StringComparison.Ordinal);
        Assert.False(File.Exists(_sandbox.Outside(Main)));
    }

    /// <summary>The real one is asked in ContainerdVersionsTests, where there is one; this one only prints what that prints.</summary>
    [Theory]
    [InlineData(false, "added /etc/containerd/conf.d/registry-addon.toml")]
    [InlineData(true, "/etc/docker/certs.d has files too")]
    public async Task Run_TransferServiceAndAList_LeavesOneFolderWhereNothingIsLost(bool isUsed, string sentence)
    {
        await _sandbox.WriteProgramAsync("containerd", """
            #!/bin/sh
            path=$(cat "$2" /etc/containerd/conf.d/*.toml 2>/dev/null | sed -n 's/^ *config_path = "\(.*\)"/\1/p' | tail -n 1)
            printf '%s\n' 'version = 3' '[plugins]' "  [plugins.'io.containerd.cri.v1.images']" '    use_local_image_pull = false' \
              "    [plugins.'io.containerd.cri.v1.images'.registry]" "      config_path = '$path'"

            """, CancellationToken);
        _sandbox.Write(Main, "version = 3\n[plugins.\"io.containerd.cri.v1.images\".registry]\n"
            + "  config_path = \"/etc/containerd/certs.d:/etc/docker/certs.d\"\n");
        if (isUsed)
            _sandbox.Write("/etc/docker/certs.d/registry.example/ca.crt", "");

        Assert.Contains(sentence, await RunAsync("auto"), StringComparison.Ordinal);

        Assert.Equal(isUsed ? 0 : 1, Restarts());
        Assert.Equal(!isUsed, File.Exists(_sandbox.Outside(DropIn)));
    }

    private static string Script(NodeFormat format)
    {
        const string Manifest = """
            apiVersion: cluster.x-k8s.io/v1beta2
            kind: Cluster
            metadata: { name: c1, namespace: default }
            spec: { topology: { variables: [{ name: clusterConfig, value: { addons: { registry: {} } } }] } }
            """;
        var nodes =
            Assert.IsType<NodePlanResult.Wanted>(
                new ClusterNodes(ClusterManifest.Read(Manifest)[0], new RegistryOptions(), format).Plan()).Nodes;
        return nodes.Files.Single(file => file.Path.EndsWith(".sh", StringComparison.Ordinal)).Content!;
    }

    /// <summary>Runs the command as it stands in the templates; it must succeed whatever happens.</summary>
    private async Task<string> RunAsync(string mode)
    {
        var run = await _sandbox.RunAsync("/bin/sh", ["/etc/containerd/registry-addon/config-path.sh", mode], CancellationToken);
        Assert.Equal(0, run.ExitCode);
        return run.Output;
    }

    private Task GiveSystemctlAsync(string then) =>
        _sandbox.WriteProgramAsync(
            "systemctl", $"#!/bin/sh\n[ \"$1\" != try-restart ] || echo restart >>{_sandbox["restarts"]}\n{then}\n", CancellationToken);

    private int Restarts() => File.Exists(_sandbox["restarts"]) ? File.ReadAllLines(_sandbox["restarts"]).Length : 0;

    private string Read(string path) => File.ReadAllText(_sandbox.Outside(path));

    private string Snapshot() => string.Concat(Directory.GetFiles(_sandbox.Outside("/etc/containerd"), "*", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal).Select(file => $"{file}\n{File.ReadAllText(file)}\n"));
}
