using CapiRegistryHook.Harness;

namespace CapiRegistryHook.Unit.Tests.Charts;

/// <summary>
/// What docs/examples/local/registry.sh asks of kind and Docker, which no machine of these tests has: stand-ins note it. The rest of the
/// script runs for real in the end-to-end tests.
/// </summary>
public sealed class LocalRegistryScriptTests : IAsyncDisposable
{
    private static readonly string Folder = Path.Combine(RepositoryRoot.Find(), "docs", "examples", "local");

    private readonly DocumentationShell _shell = new();

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public LocalRegistryScriptTests()
    {
        _shell.AddScript("kind", $$"""
            echo "kind $*" >>'{{_shell["calls"]}}'
            case "$*" in "get nodes"*) echo dev-control-plane; echo dev-worker ;; esac
            """);
        // The words after the node's name are run here, in a folder for each node.
        _shell.AddScript("docker", $$"""
            echo "docker $*" >>'{{_shell["calls"]}}'
            file="{{_shell["nodes"]}}/$3/$7"
            mkdir -p "$(dirname "$file")" && cat >"$file"
            """);
        _shell.AddScript("kubectl", $$"""
            echo "kubectl $*" >>'{{_shell["calls"]}}'
            case "$*" in *go-template*) cat '{{_shell["ca.crt"]}}' ;; esac
            """);
        _shell.AddStandIn("helm");
        _shell.AddStandIn("openssl");
        _shell.Write("ca.crt", "THE CA\n");
    }

    public ValueTask DisposeAsync() => _shell.DisposeAsync();

    [Fact]
    public async Task Install_Kind_WritesTheFilesOfEachNode()
    {
        await InstallAsync("kind dev");
        foreach (var node in new[] { "dev-control-plane", "dev-worker" })
        {
            var files = Path.Combine(_shell["nodes"], node, "etc/containerd/certs.d/localhost:5000");
            Assert.Equal("THE CA\n", await File.ReadAllTextAsync(Path.Combine(files, "ca.crt"), CancellationToken));
            Assert.Equal("""
                server = "https://127.0.0.1:30500"

                [host."https://127.0.0.1:30500"]
                  capabilities = ["pull", "resolve"]
                  ca = "/etc/containerd/certs.d/localhost:5000/ca.crt"

                """, await File.ReadAllTextAsync(Path.Combine(files, "hosts.toml"), CancellationToken));
        }
    }

    [Fact]
    public async Task Install_Kind_AsksKindForTheClusterAndDockerForItsNodesOnly()
    {
        var calls = await InstallAsync("kind dev");
        Assert.Equal(["kind get kubeconfig --name dev", "kind get nodes --name dev"],
            calls.Where(call => call.StartsWith("kind ", StringComparison.Ordinal)));
        Assert.All(calls.Where(call => call.StartsWith("docker ", StringComparison.Ordinal)),
            call => Assert.Matches("^docker exec --interactive dev-(control-plane|worker) sh -c ", call));
        var helm = Assert.Single(calls, call => call.StartsWith("helm ", StringComparison.Ordinal));
        Assert.Contains("--set localRegistryHosting.host=localhost:5000 --wait", helm, StringComparison.Ordinal);
        Assert.DoesNotContain("image.", helm, StringComparison.Ordinal);
    }

    /// <summary>The port is this machine's; what nodes say does not change with it.</summary>
    [Fact]
    public async Task Install_WithAnotherPort_TrustsThatHereAndTellsTools()
    {
        var calls = await InstallAsync("kind", "PORT=5001 ");
        Assert.Contains(calls, call => call.Contains("--set localRegistryHosting.host=localhost:5001", StringComparison.Ordinal));
        Assert.Contains("kind get nodes --name kind", calls);
        var trusted = _shell[".config/containers/certs.d/localhost:5001/ca.crt"];
        Assert.Equal("THE CA\n", await File.ReadAllTextAsync(trusted, CancellationToken));
        Assert.True(File.Exists(Path.Combine(_shell["nodes"], "dev-worker", "etc/containerd/certs.d/localhost:5000/hosts.toml")));
    }

    [Theory]
    [InlineData("", "say where: 'kind' or 'local'")]
    [InlineData("install docker", "say where: 'kind' or 'local'")]
    [InlineData("remove kind", "'remove' is not a command: use install or forward")]
    [InlineData("install local none", "there is no cluster 'none': start it with 'make cluster-up NAME=none'")]
    public async Task Arguments_Wrong_AreNamed(string arguments, string because)
    {
        var run = await _shell.TryAsync($"bash '{Folder}/registry.sh' {arguments}", CancellationToken);
        Assert.Equal(1, run.ExitCode);
        Assert.Equal($"registry.sh: error: {because}\n", run.Errors);
    }

    /// <summary>The port that kind opens is the one that the chart and the nodes use.</summary>
    [Fact]
    public void NodePort_IsTheSameEverywhere()
    {
        Assert.Contains("containerPort: 30500\n", Read("kind.yaml"), StringComparison.Ordinal);
        Assert.Contains("nodePort: 30500\n", Read("values.yaml"), StringComparison.Ordinal);
        Assert.Contains("node_port=30500\n", Read("registry.sh"), StringComparison.Ordinal);

        static string Read(string file) => File.ReadAllText(Path.Combine(Folder, file));
    }

    private async Task<IReadOnlyList<string>> InstallAsync(string where, string variables = "")
    {
        await _shell.RunAsync($"{variables}bash '{Folder}/registry.sh' install {where}", CancellationToken);
        return [.. _shell.TakeCalls()];
    }
}
