using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.EndToEnd.Tests.Packaging;

/// <summary>A release that nobody gets, and an API server that has not seen the service before.</summary>
public sealed class DryRun : IAsyncLifetime
{
    private RealApiServer _server = null!;

    public static string Folder { get; } = Path.Combine(RepositoryRoot.Find(), "artifacts", "release");

    /// <summary>kubectl for the API server, which has the definitions of Cluster API and cert-manager.</summary>
    public KubectlProgram Kubectl { get; private set; } = null!;

    public static string Read(string file) => File.ReadAllText(Path.Combine(Folder, file));

    /// <summary>Runs <c>make release</c> for a version, as a dry run.</summary>
    public static Task<ProgramRun> MakeAsync(string version) => ProgramRun.RunAsync(
        "/bin/bash", [Path.Combine(RepositoryRoot.Find(), "packaging", "release.sh")], TestContext.Current.CancellationToken,
        environment: new Dictionary<string, string?> { ["VERSION"] = version, ["DRY_RUN"] = "1", ["IMAGE_REGISTRY"] = null });

    /// <summary>An API server for the caller alone, who disposes it.</summary>
    public static async Task<RealApiServer> StartServerAsync(string name, CancellationToken cancellationToken) =>
        await RealApiServer.StartAsync(name, await KubernetesBinaries.EnsureAsync(Console.Error, cancellationToken), cancellationToken);

    public async ValueTask InitializeAsync()
    {
        var run = await MakeAsync(ServiceVersion.Text);
        Assert.True(run.ExitCode == 0, run.Errors + run.Output);
        var cancellationToken = TestContext.Current.CancellationToken;
        _server = await StartServerAsync("release", cancellationToken);
        Kubectl = await KubectlProgram.ForAsync(_server, cancellationToken);
        await Kubectl.InstallDefinitionsAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (Kubectl is not null)
            await Kubectl.DisposeAsync();
        if (_server is not null)
            await _server.DisposeAsync();
    }
}
