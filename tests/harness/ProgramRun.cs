using System.Diagnostics;

namespace CapiRegistryHook.Harness;

/// <summary>What a program that ran to its end said.</summary>
/// <param name="ExitCode">0 when it was content.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Errors">Its standard error.</param>
public sealed record ProgramRun(int ExitCode, string Output, string Errors)
{
    /// <summary>Longer than any program of the tests needs; a hang ends here.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(5);

    /// <summary>Runs a program and waits for its end, whatever it is.</summary>
    /// <param name="program">Its path, for example from <see cref="TestTools.PathOfAsync"/>.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="cancellationToken">Ends the program.</param>
    /// <param name="input">What it reads from standard input.</param>
    /// <param name="environment">Variables on top of this process's own; null removes one.</param>
    public static async Task<ProgramRun> RunAsync(
        string program, IEnumerable<string> arguments, CancellationToken cancellationToken,
        string input = "", IReadOnlyDictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo(
            program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
            start.Environment[name] = value;
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bound.CancelAfter(Bound);
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(bound.Token);
            var errors = process.StandardError.ReadToEndAsync(bound.Token);
            await WriteAsync(process, input, bound.Token);
            await process.WaitForExitAsync(bound.Token);
            return new ProgramRun(process.ExitCode, await output, await errors);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>Runs a program that has to succeed, and returns its standard output.</summary>
    /// <exception cref="InvalidOperationException">It did not; the message has what it said.</exception>
    public static async Task<string> OutputOfAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        string[] all = [.. arguments];
        var run = await RunAsync(program, all, cancellationToken);
        return run.ExitCode == 0
            ? run.Output
            : throw new InvalidOperationException(
                $"{Path.GetFileName(program)} {string.Join(' ', all)} ended with code {run.ExitCode}.\n{run.Errors}{run.Output}");
    }

    private static async Task WriteAsync(Process process, string input, CancellationToken cancellationToken)
    {
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading all of it; its exit code tells whether that was right.
        }
    }
}
