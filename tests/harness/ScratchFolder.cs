using System.Diagnostics;

namespace CapiRegistryHook.Harness;

/// <summary>
/// A temporary folder that only we may read and that does not outlive us. A small shell waits on a pipe that breaks when this process
/// ends (also by Ctrl-C or SIGKILL) and then removes the folder; it is a session of its own, so that the Ctrl-C does not end it first.
/// </summary>
public sealed class ScratchFolder : IAsyncDisposable
{
    // Servers that die with us may still be writing for a moment.
    private const string WaitAndRemove = "cat >/dev/null; for i in 1 2 3 4 5; do rm -rf -- \"$0\" && exit; sleep 0.2; done";

    private readonly Process _remover;
    private bool _removed;

    private ScratchFolder(string path, Process remover)
    {
        Path = path;
        _remover = remover;
    }

    public string Path { get; }

    public static ScratchFolder Create(string prefix)
    {
        var path = Directory.CreateTempSubdirectory(prefix).FullName;
        var start = new ProcessStartInfo("setsid", ["/bin/sh", "-c", WaitAndRemove, path])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
        };
        return new ScratchFolder(path, Process.Start(start)!);
    }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>
    /// Writes a file; nobody else can reach it, as nobody else may enter the folder. Whoever reads it meanwhile sees all of the former text
    /// or all of the new one.
    /// </summary>
    public string Write(string name, string text)
    {
        var path = this[name];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        if (!File.Exists(path))
        {
            File.WriteAllText(path, text);
            return path;
        }

        File.WriteAllText($"{path}.new", text);
        File.Move($"{path}.new", path, overwrite: true);
        return path;
    }

    /// <summary>Removes the folder and waits until it is gone.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_removed)
            return;

        _removed = true;
        _remover.StandardInput.Close();
        await _remover.WaitForExitAsync();
        _remover.Dispose();
    }
}
