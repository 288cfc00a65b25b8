namespace CapiRegistryHook.Harness.Charts;

/// <summary>kubectl, as <see cref="TestTools"/> fetches it, with an admin's kubeconfig for one API server.</summary>
public sealed class KubectlProgram : IAsyncDisposable
{
    /// <summary>
    /// Names them. <c>kubectl wait</c> is no help: it fails when a definition is so new that it has no conditions.
    /// </summary>
    private const string NotEstablished = """
        {{range .items}}{{$found := false -}}
        {{range .status.conditions}}{{if and (eq .type "Established") (eq .status "True")}}{{$found = true}}{{end}}{{end -}}
        {{if not $found}}{{.metadata.name}} {{end}}{{end}}
        """;

    /// <summary>Each group and kind, as the OpenAPI document names them.</summary>
    private const string Kinds = """{range .items[*]}"group":"{.spec.group}","kind":"{.spec.names.kind}"{"\n"}{end}""";

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

    /// <summary>
    /// Installs the definitions of <c>tests/harness/crds</c>, or of a folder in it, that the API server does not have yet. Afterwards
    /// kubectl knows their fields.
    /// </summary>
    public async Task InstallDefinitionsAsync(CancellationToken cancellationToken, string folder = "")
    {
        var known = await RunAsync(cancellationToken, "get", "customresourcedefinitions", "--output=name");
        foreach (var file in Directory.GetFiles(Path.Combine(RepositoryRoot.Find(), "tests", "harness", "crds", folder), "*.yaml"))
        {
            // Files are called GROUP_PLURAL.yaml, definitions PLURAL.GROUP.
            var name = string.Join('.', Path.GetFileNameWithoutExtension(file).Split('_').Reverse());
            if (!known.Contains($"/{name}\n", StringComparison.Ordinal))
                await RunAsync(cancellationToken, "create", $"--filename={file}");
        }

        await WaitForDefinitionsAsync(cancellationToken);
    }

    // kubectl takes every field of a kind that is not in the API server's OpenAPI document yet.
    private async Task WaitForDefinitionsAsync(CancellationToken cancellationToken)
    {
        var missing = "";
        await Polling.UntilAsync("the definitions are established", async () =>
        {
            missing = await RunAsync(cancellationToken, "get", "customresourcedefinitions", $"--output=go-template={NotEstablished}");
            return missing.Length == 0;
        }, () => missing, cancellationToken);
        var kinds = (await RunAsync(cancellationToken, "get", "customresourcedefinitions", $"--output=jsonpath={Kinds}"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await Polling.UntilAsync("the definitions are in the OpenAPI document", async () =>
        {
            var document = await RunAsync(cancellationToken, "get", "--raw", "/openapi/v2");
            missing = string.Join(' ', kinds.Where(kind => !document.Contains(kind, StringComparison.Ordinal)));
            return missing.Length == 0;
        }, () => missing, cancellationToken);
    }

    public ValueTask DisposeAsync() => _folder.DisposeAsync();

    private string[] Access => [$"--kubeconfig={_folder["kubeconfig"]}", $"--cache-dir={_folder["cache"]}"];
}
