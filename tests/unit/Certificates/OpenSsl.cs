using System.Diagnostics;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>
/// The openssl command in a folder of its own, as a second maker and judge of certificates. Where it is missing, tests fail.
/// </summary>
internal sealed class OpenSsl : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("certificates-");

    public byte[] Read(string file) => File.ReadAllBytes(PathOf(file));

    public void Write(string file, string text) => File.WriteAllText(PathOf(file), text);

    public void Write(string file, ReadOnlySpan<byte> bytes) => File.WriteAllBytes(PathOf(file), bytes);

    /// <summary>Runs a command, its words parted by single spaces, and gives what it printed; a failure is a failed test.</summary>
    public string Run(string command)
    {
        var (exitCode, output) = TryRun(command);
        return exitCode == 0 ? output : throw new InvalidOperationException($"openssl {command} ended with {exitCode}: {output}");
    }

    public (int ExitCode, string Output) TryRun(string command)
    {
        var start = new ProcessStartInfo("openssl", command.Split(' '))
        {
            WorkingDirectory = _folder.FullName,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.GetAwaiter().GetResult());
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string PathOf(string file) => Path.Combine(_folder.FullName, file);
}
