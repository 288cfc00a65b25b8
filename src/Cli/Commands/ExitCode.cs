namespace CapiRegistryHook.Cli.Commands;

/// <summary>The exit codes of all commands; docs/commands.md describes them.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>The input was good, but what was asked for could not be done.</summary>
    public const int Failure = 1;

    /// <summary>Arguments, options or files can't be used. Standard error names each of them.</summary>
    public const int BadInput = 2;

    /// <summary>Names every problem on standard error.</summary>
    public static int Refuse(params IEnumerable<string> problems)
    {
        foreach (var problem in problems)
            Console.Error.WriteLine(problem);
        return BadInput;
    }

    /// <summary>Says on standard error why it could not be done.</summary>
    public static int Fail(string reason)
    {
        Console.Error.WriteLine(reason);
        return Failure;
    }
}
