namespace CapiRegistryHook.Harness;

/// <summary>Runs other programs to their end. They end when we do.</summary>
public static class OutsideCommand
{
    /// <summary>Runs a program and returns what it said, whatever its exit code is.</summary>
    /// <param name="program">Its path, or its name on PATH.</param>
    /// <param name="arguments">Its arguments, as they are: no shell reads them.</param>
    /// <param name="cancellationToken">Ends the program at once.</param>
    /// <param name="input">What it reads; nothing when null.</param>
    public static async Task<CommandResult> RunAsync(
        string program, IEnumerable<string> arguments, CancellationToken cancellationToken, Stream? input = null)
    {
        string[] all = [.. arguments];
        await using var process = await ChildProcess.StartCommandAsync(program, all);
        var output = process.Output.ReadToEndAsync(CancellationToken.None);
        var errors = process.Errors.ReadToEndAsync(CancellationToken.None);
        await WriteAsync(process, input, cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return new CommandResult($"{Path.GetFileName(program)} {string.Join(' ', all)}", process.ExitCode, await output, await errors);
    }

    private static async Task WriteAsync(ChildProcess process, Stream? input, CancellationToken cancellationToken)
    {
        try
        {
            if (input is not null)
                await input.CopyToAsync(process.Input.BaseStream, cancellationToken);

            process.Input.Close();
        }
        catch (IOException)
        {
            // It has ended or wants no more: its exit code and its words say what that means.
        }
    }
}

/// <summary>What a program said, and its exit code.</summary>
/// <param name="Command">The command line, for messages.</param>
/// <param name="ExitCode">0 is success.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Errors">Its standard error.</param>
public sealed record CommandResult(string Command, int ExitCode, string Output, string Errors)
{
    /// <summary>True when the exit code is 0.</summary>
    public bool Succeeded => ExitCode == 0;

    /// <summary>The output of a program that has to succeed; the exception has its words.</summary>
    public string OutputOfSuccess() => Succeeded
        ? Output
        : throw new InvalidOperationException($"'{Command}' failed with exit code {ExitCode}:\n{Errors}{Output}");
}
