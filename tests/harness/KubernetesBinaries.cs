namespace CapiRegistryHook.Harness;

/// <summary>
/// The real kube-apiserver and etcd, built once per machine by <c>tests/harness/kubernetes.sh</c> and kept in a cache folder.
/// </summary>
public static class KubernetesBinaries
{
    private static volatile string? _folder;

    /// <summary>
    /// The folder that holds <c>kube-apiserver</c> and <c>etcd</c>. The first call on a machine builds them, which takes minutes;
    /// what the script says on the way goes to <paramref name="progress"/>. Cancelling ends the build and removes what it left.
    /// </summary>
    public static async Task<string> EnsureAsync(TextWriter progress, CancellationToken cancellationToken)
    {
        // A second caller in this process may still start the script: it takes a lock itself and finds the first one's result.
        if (_folder is { } known)
            return known;

        var script = Path.Combine(RepositoryRoot.Find(), "tests", "harness", "kubernetes.sh");
        await using var run = await ChildProcess.StartCommandAsync("/bin/bash", script);
        var output = run.Output.ReadToEndAsync(CancellationToken.None);
        var errors = CopyLinesAsync(run.Errors, progress);
        await WaitAsync(run, cancellationToken);
        await errors;
        var folder = (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault();
        if (run.ExitCode != 0 || folder is null)
            throw new InvalidOperationException($"{script} failed with exit code {run.ExitCode}: see its output above.");

        _folder = folder;
        return folder;
    }

    private static async Task WaitAsync(ChildProcess run, CancellationToken cancellationToken)
    {
        try
        {
            await run.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            run.Terminate();
            await run.WaitForExitAsync(CancellationToken.None);
            throw;
        }
    }

    private static async Task CopyLinesAsync(StreamReader from, TextWriter to)
    {
        while (await from.ReadLineAsync(CancellationToken.None) is { } line)
            await to.WriteLineAsync(line);
    }
}
