namespace CapiRegistryHook.Harness;

/// <summary>
/// Runs a script of <c>tests/harness</c> that fills a cache folder on its first run: what it says on the way goes to a writer, and the
/// last line of its output is the folder.
/// </summary>
internal static class HarnessScript
{
    /// <summary>Runs the script to its end. Cancelling ends it and lets it remove what it left.</summary>
    /// <param name="name">The file's name in <c>tests/harness</c>.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="progress">Where its progress goes.</param>
    /// <param name="cancellationToken">Ends the script.</param>
    /// <exception cref="InvalidOperationException">It failed; the message has what it said.</exception>
    public static async Task<string> RunAsync(string name, string[] arguments, TextWriter progress, CancellationToken cancellationToken)
    {
        var script = Path.Combine(RepositoryRoot.Find(), "tests", "harness", name);
        await using var run = await ChildProcess.StartCommandAsync("/bin/bash", [script, .. arguments]);
        run.Input.Close();
        var output = run.Output.ReadToEndAsync(CancellationToken.None);
        var errors = CopyLinesAsync(run.Errors, progress);
        await WaitAsync(run, cancellationToken);
        var said = await errors;
        var folder = (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault();
        return run.ExitCode == 0 && folder is not null
            ? folder
            : throw new InvalidOperationException($"{name} {string.Join(' ', arguments)} failed with exit code {run.ExitCode}:\n{said}");
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

    private static async Task<string> CopyLinesAsync(StreamReader from, TextWriter to)
    {
        var said = new StringWriter();
        while (await from.ReadLineAsync(CancellationToken.None) is { } line)
        {
            await said.WriteLineAsync(line);
            await to.WriteLineAsync(line);
        }

        return said.ToString();
    }
}
