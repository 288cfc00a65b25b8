namespace CapiRegistryHook.Harness;

/// <summary>
/// A shell script that runs like the first process of a container: by busybox, with busybox's programs and the given ones on its PATH and
/// nothing else, in a process namespace that ends with it.
/// </summary>
public sealed class ContainerProgram : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private ContainerProgram(ChildProcess process) => _process = process;

    /// <summary>Starts a script.</summary>
    /// <param name="script">Its path.</param>
    /// <param name="log">Where its output goes.</param>
    /// <param name="environment">Its variables.</param>
    /// <param name="programs">A folder that <see cref="ProgramsAsync"/> made.</param>
    public static async Task<ContainerProgram> StartAsync(string script, string log, IReadOnlyDictionary<string, string> environment,
        string programs) =>
        new(await ChildProcess.StartServerAsync("/usr/bin/env", Command(environment, programs, ["sh", script]), log));

    /// <summary>Runs a command of the container to its end.</summary>
    public static Task<ProgramRun> RunAsync(
        IReadOnlyDictionary<string, string> environment, string programs, CancellationToken cancellationToken, params string[] command) =>
        ProgramRun.RunAsync("/usr/bin/env", Command(environment, programs, command), cancellationToken);

    /// <summary>Makes a folder with all of busybox's programs, and these over them.</summary>
    /// <param name="folder">A folder that does not exist yet.</param>
    /// <param name="programs">Name and path of each.</param>
    public static async Task<string> ProgramsAsync(string folder, params (string Name, string Path)[] programs)
    {
        Directory.CreateDirectory(folder);
        // The program itself: it tells by the name that it is called by what to do.
        var busybox = Path.Combine(await TestTools.DebianRootAsync(), "usr", "bin", "busybox");
        var names = await ProgramRun.OutputOfAsync(busybox, ["--list"], CancellationToken.None);
        foreach (var name in names.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            File.CreateSymbolicLink(Path.Combine(folder, name), busybox);
        foreach (var (name, path) in programs)
        {
            File.Delete(Path.Combine(folder, name));
            File.CreateSymbolicLink(Path.Combine(folder, name), path);
        }

        return folder;
    }

    /// <summary>The last lines that it printed.</summary>
    public string LogTail() => _process.LogTail();

    public bool HasExited => _process.HasExited;

    public bool Said(string text) => _process.LogContains(text);

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static string[] Command(IReadOnlyDictionary<string, string> environment, string programs, string[] command) =>
        ["-i", $"PATH={programs}", .. environment.Select(variable => $"{variable.Key}={variable.Value}"), "/usr/bin/unshare", "--fork",
            "--pid", "--kill-child", .. command];
}
