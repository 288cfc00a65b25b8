using System.Collections.Concurrent;
using System.Diagnostics;

namespace CapiRegistryHook.Harness;

/// <summary>
/// A program that dies with us, however we die: the kernel signals it when the thread that started it ends. All children are
/// therefore started from one thread that lives as long as this process; a thread-pool thread may end earlier and take them along.
/// </summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private const string Launcher = "/usr/bin/setpriv";
    private const int LogTailLines = 25;

    private static readonly BlockingCollection<Action> Starts = StartThread();

    private readonly Process _process;
    private readonly string? _log;

    private ChildProcess(Process process, string? log)
    {
        _process = process;
        _log = log;
        Id = process.Id;
    }

    /// <summary>The process id, also after it has ended.</summary>
    public int Id { get; }

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>What a command reads; the caller closes it when there is no more.</summary>
    public StreamWriter Input => _process.StandardInput;

    public StreamReader Output => _process.StandardOutput;

    public StreamReader Errors => _process.StandardError;

    /// <summary>Starts a server in the folder of its log, to which its output and errors are appended without our help.</summary>
    public static Task<ChildProcess> StartServerAsync(string program, IEnumerable<string> arguments, string log)
    {
        // The shell only opens the log and then becomes the program: the process id stays the same.
        string[] shell = ["/bin/sh", "-c", "exec \"$@\" </dev/null >>\"$0\" 2>&1", log, program];
        return StartAsync("KILL", [.. shell, .. arguments], log);
    }

    /// <summary>
    /// Starts a command whose output and errors the caller reads, and whose input it writes. It is asked to end (SIGTERM) when we die.
    /// </summary>
    public static Task<ChildProcess> StartCommandAsync(string program, params string[] arguments) =>
        StartAsync("TERM", [program, .. arguments], log: null);

    /// <summary>The last lines of the server's log, for an error message.</summary>
    public string LogTail() =>
        _log is not null && File.Exists(_log) ? string.Join('\n', File.ReadLines(_log).TakeLast(LogTailLines)) : "(no log)";

    public bool LogContains(string text) =>
        _log is not null && File.Exists(_log) && File.ReadLines(_log).Any(line => line.Contains(text, StringComparison.Ordinal));

    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    /// <summary>Asks the process to end and clean up after itself; does not wait.</summary>
    public void Terminate()
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", "kill -TERM \"$0\" 2>/dev/null", $"{Id}"]) { UseShellExecute = false };
        using var kill = Process.Start(start);
        kill?.WaitForExit();
    }

    /// <summary>Ends the process at once and waits until it is gone.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();

        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static async Task<ChildProcess> StartAsync(string deathSignal, string[] command, string? log)
    {
        if (!File.Exists(Launcher))
            throw new InvalidOperationException($"{Launcher} is missing: install util-linux.");

        var start = new ProcessStartInfo(Launcher, ["--pdeathsig", deathSignal, "--", .. command])
        {
            UseShellExecute = false,
            WorkingDirectory = Path.GetDirectoryName(log),
            RedirectStandardInput = log is null,
            RedirectStandardOutput = log is null,
            RedirectStandardError = log is null,
        };
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Starts.Add(() => Start(start, started));
        return new ChildProcess(await started.Task, log);
    }

    private static void Start(ProcessStartInfo start, TaskCompletionSource<Process> started)
    {
        try
        {
            started.SetResult(Process.Start(start)!);
        }
        catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            started.SetException(exception);
        }
    }

    private static BlockingCollection<Action> StartThread()
    {
        var starts = new BlockingCollection<Action>();
        var thread = new Thread(() =>
        {
            foreach (var start in starts.GetConsumingEnumerable())
                start();
        })
        { IsBackground = true, Name = "child processes" };
        thread.Start();
        return starts;
    }
}
