namespace CapiRegistryHook.Harness.Charts;

/// <summary>Helm 3 or 4 with access to one cluster, and folders of its own for what it keeps.</summary>
public sealed class HelmClient : IAsyncDisposable
{
    private readonly string _program;
    private readonly string _namespace;
    private readonly ScratchFolder _folder;

    private HelmClient(string program, string @namespace, ScratchFolder folder)
    {
        _program = program;
        _namespace = @namespace;
        _folder = folder;
    }

    /// <param name="tool"><c>helm3</c> or <c>helm4</c>.</param>
    /// <param name="kubeconfig">The way to the cluster, as YAML.</param>
    /// <param name="namespace">The namespace of releases.</param>
    /// <param name="cancellationToken">Ends the preparation.</param>
    public static async Task<HelmClient> ForAsync(string tool, string kubeconfig, string @namespace, CancellationToken cancellationToken)
    {
        var program = await TestTools.PathOfAsync(tool);
        var folder = ScratchFolder.Create("capi-registry-hook-helm-");
        await File.WriteAllTextAsync(folder["kubeconfig"], kubeconfig, cancellationToken);
        return new HelmClient(program, @namespace, folder);
    }

    /// <summary>Runs a command that has to succeed, and returns what it prints.</summary>
    /// <exception cref="InvalidOperationException">It did not; the message has what it said.</exception>
    public async Task<string> RunAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        var environment = new Dictionary<string, string?>
        {
            ["KUBECONFIG"] = _folder["kubeconfig"],
            ["HELM_CACHE_HOME"] = _folder["cache"],
            ["HELM_CONFIG_HOME"] = _folder["config"],
            ["HELM_DATA_HOME"] = _folder["data"],
        };
        var run =
            await ProgramRun.RunAsync(_program, [.. arguments, "--namespace", _namespace], cancellationToken, environment: environment);
        return run.ExitCode == 0
            ? run.Output : throw new InvalidOperationException($"helm {string.Join(' ', arguments)}: {run.Errors}{run.Output}");
    }

    public ValueTask DisposeAsync() => _folder.DisposeAsync();
}
