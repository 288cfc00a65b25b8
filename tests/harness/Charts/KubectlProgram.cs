namespace CapiRegistryHook.Harness.Charts;

/// <summary>kubectl, as <see cref="TestTools"/> fetches it, with an admin's kubeconfig for one API server.</summary>
public sealed class KubectlProgram : IAsyncDisposable
{
    private readonly string _program;
    private readonly ScratchFolder _folder;

    private KubectlProgram(string program, ScratchFolder folder)
    {
        _program = program;
        _folder = folder;
    }

    public static async Task<KubectlProgram> ForAsync(IApiServer server, CancellationToken cancellationToken)
    {
        var program = await TestTools.PathOfAsync("kubectl");
        var folder = ScratchFolder.Create("capi-registry-hook-kubectl-");
        await File.WriteAllTextAsync(folder["kubeconfig"], server.Kubeconfig, cancellationToken);
        return new KubectlProgram(program, folder);
    }

    /// <summary>Runs a command; it may fail.</summary>
    public Task<ProgramRun> TryAsync(string input, CancellationToken cancellationToken, params string[] arguments) =>
        ProgramRun.RunAsync(_program, [.. Access, .. arguments], cancellationToken, input);

    /// <summary>Runs a command that has to succeed, and returns what it prints.</summary>
    public Task<string> RunAsync(CancellationToken cancellationToken, params string[] arguments) =>
        ProgramRun.OutputOfAsync(_program, [.. Access, .. arguments], cancellationToken);

    /// <summary>Installs the definitions of <c>tests/harness/crds</c> that the API server does not have yet.</summary>
    public async Task InstallDefinitionsAsync(CancellationToken cancellationToken)
    {
        var known = await RunAsync(cancellationToken, "get", "customresourcedefinitions", "--output=name");
        foreach (var file in Directory.GetFiles(Path.Combine(RepositoryRoot.Find(), "tests", "harness", "crds"), "*.yaml"))
        {
            // Files are called GROUP_PLURAL.yaml, definitions PLURAL.GROUP.
            var name = string.Join('.', Path.GetFileNameWithoutExtension(file).Split('_').Reverse());
            if (known.Contains($"/{name}\n", StringComparison.Ordinal))
                continue;

            await RunAsync(cancellationToken, "create", $"--filename={file}");
            await RunAsync(cancellationToken, "wait", "--for=condition=Established", "--timeout=30s", $"customresourcedefinition/{name}");
        }
    }

    public ValueTask DisposeAsync() => _folder.DisposeAsync();

    private string[] Access => [$"--kubeconfig={_folder["kubeconfig"]}", $"--cache-dir={_folder["cache"]}"];
}
