using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Programs;

/// <summary>One run of another program: without a shell, for a bounded time, with a bounded output.</summary>
/// <param name="Program">Its path, or its name on PATH.</param>
/// <param name="Arguments">Its arguments as they are.</param>
public sealed record ProgramCall(string Program, IReadOnlyList<string> Arguments)
{
    private const int LongestErrors = 4096;

    /// <summary>What it reads from standard input; nothing by default.</summary>
    public string Input { get; init; } = "";

    /// <summary>Variables on top of this process's own; null removes one.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>How long it may take; one minute by default.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The most bytes that it may write to standard output; 32 MiB by default.</summary>
    public int LargestOutput { get; init; } = 32 << 20;

    /// <summary>Runs it to its end, whatever that is. It is killed with its children when it takes too long.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the program.</param>
    /// <exception cref="ContentException">It can't be started, takes too long, or writes too much.</exception>
    public async Task<ProgramResult> RunAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var process = Start();
        try
        {
            var output = ReadOutputAsync(process.StandardOutput.BaseStream, either.Token);
            var errors = ReadErrorsAsync(process.StandardError.BaseStream, either.Token);
            await WriteAsync(process, either.Token);
            var result = await output;
            await process.WaitForExitAsync(either.Token);
            return new ProgramResult(process.ExitCode, result, await errors);
        }
        catch (OperationCanceledException exception) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ContentException($"{Program} did not end within {Timeout.TotalSeconds:F0} s.", exception);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>Runs it with the terminal, input and output of this process.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="grace">How long it may take to end by itself when it is not wanted any more.</param>
    /// <param name="cancellationToken">Ends the program after that time.</param>
    /// <returns>Its exit code.</returns>
    /// <exception cref="ContentException">It can't be started, or takes too long.</exception>
    public async Task<int> RunAttachedAsync(TimeProvider time, TimeSpan grace, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Timeout, time);
        using var registration = cancellationToken.Register(() => limit.CancelAfter(grace));
        using var process = Start(isAttached: true);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode;
        }
        catch (OperationCanceledException exception)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new ContentException($"{Program} did not end within {Timeout.TotalSeconds:F0} s.", exception);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private Process Start(bool isAttached = false)
    {
        var start = new ProcessStartInfo(Program, Arguments)
        {
            RedirectStandardInput = !isAttached, RedirectStandardOutput = !isAttached, RedirectStandardError = !isAttached,
            UseShellExecute = false,
        };
        foreach (var (name, value) in Environment)
            start.Environment[name] = value;
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            throw new ContentException($"{Program} can't be started: {exception.Message}.", exception);
        }
    }

    private async Task WriteAsync(Process process, CancellationToken cancellationToken)
    {
        try
        {
            await process.StandardInput.WriteAsync(Input.AsMemory(), cancellationToken);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading all of it; its exit code says whether that was right.
        }
    }

    private async Task<ReadOnlyMemory<byte>> ReadOutputAsync(Stream stream, CancellationToken cancellationToken)
    {
        using var output = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int read; (read = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            if (output.Length + read > LargestOutput)
                throw new ContentException($"{Program} wrote more than {LargestOutput} bytes.");
            output.Write(buffer, 0, read);
        }

        return output.ToArray();
    }

    // The last words say why it failed.
    private static async Task<string> ReadErrorsAsync(Stream stream, CancellationToken cancellationToken)
    {
        var tail = new List<byte>();
        var buffer = new byte[LongestErrors];
        for (int read; (read = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            tail.AddRange(buffer.AsSpan(0, read));
            if (tail.Count > LongestErrors)
                tail.RemoveRange(0, tail.Count - LongestErrors);
        }

        return Printable(Encoding.UTF8.GetString([.. tail]));
    }

    private static string Printable(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
        .Select(word => string.Concat(word.Where(character => !char.IsControl(character)))));
}

/// <summary>What a program that ran to its end said.</summary>
/// <param name="ExitCode">0 when it succeeded.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Errors">The end of its standard error on one printable line.</param>
public sealed record ProgramResult(int ExitCode, ReadOnlyMemory<byte> Output, string Errors)
{
    /// <summary>Its standard output as text.</summary>
    public string Text => Encoding.UTF8.GetString(Output.Span);
}
