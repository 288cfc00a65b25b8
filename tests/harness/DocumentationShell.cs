namespace CapiRegistryHook.Harness;

/// <summary>
/// Runs commands of a page of the documentation as a person would: by a shell, in a folder of its own, with programs on the PATH. A program
/// that can't run on the machine of a test is played by a stand-in, which notes its arguments and succeeds; the test does what it would.
/// </summary>
public sealed class DocumentationShell : IAsyncDisposable
{
    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-shell-");

    /// <summary>An empty folder and no programs but those of the system.</summary>
    public DocumentationShell() => Directory.CreateDirectory(_folder["bin"]);

    /// <summary>A file of the folder.</summary>
    public string this[string name] => _folder[name];

    /// <summary>Puts a file into the folder.</summary>
    public void Write(string name, string text) => _folder.Write(name, text);

    /// <summary>Puts a program on the PATH under a name.</summary>
    public void AddProgram(string name, string path) => File.CreateSymbolicLink(Path.Combine(_folder["bin"], name), path);

    /// <summary>Puts a stand-in on the PATH.</summary>
    public void AddStandIn(string name) => AddScript(name, $"echo \"{name} $*\" >>'{_folder["calls"]}'");

    /// <summary>Puts a shell script on the PATH.</summary>
    public void AddScript(string name, string commands)
    {
        var path = _folder.Write(Path.Combine("bin", name), $"#!/bin/sh\n{commands}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Runs a block; it stops at the first command that fails.</summary>
    public Task<ProgramRun> TryAsync(string commands, CancellationToken cancellationToken) => ProgramRun.RunAsync(
        "/bin/bash", ["-euo", "pipefail", "-c", $"cd '{_folder.Path}'\n{commands}"], cancellationToken,
        environment: new Dictionary<string, string?>
        {
            ["PATH"] = $"{_folder["bin"]}:/usr/bin:/bin",
            ["HOME"] = _folder.Path,
        });

    /// <summary>Runs a block that has to succeed.</summary>
    /// <returns>What it wrote to standard output.</returns>
    public async Task<string> RunAsync(string commands, CancellationToken cancellationToken)
    {
        var run = await TryAsync(commands, cancellationToken);
        return run.ExitCode == 0 ? run.Output
            : throw new InvalidOperationException($"The commands ended with code {run.ExitCode}:\n{commands}\n{run.Errors}{run.Output}");
    }

    /// <summary>The calls of stand-ins since the last time, as they were typed.</summary>
    public IReadOnlyList<string> TakeCalls()
    {
        if (!File.Exists(_folder["calls"]))
            return [];
        var calls = File.ReadAllLines(_folder["calls"]);
        File.Delete(_folder["calls"]);
        return calls;
    }

    /// <summary>Removes the folder.</summary>
    public ValueTask DisposeAsync() => _folder.DisposeAsync();
}
