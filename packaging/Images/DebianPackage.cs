using System.Diagnostics;
using System.Formats.Tar;
using System.Security.Cryptography;

namespace CapiRegistryHook.Packaging.Images;

/// <summary>A Debian package: its control fields and its files, read with <c>dpkg-deb</c>.</summary>
internal sealed class DebianPackage
{
    private readonly Dictionary<string, string> _fields;

    private DebianPackage(string control, string sha256, IReadOnlyList<PackagedFile> files)
    {
        Control = control;
        Sha256 = sha256;
        Files = files;
        _fields = control.Split('\n').Where(line => line.Length > 0 && line[0] != ' ').Select(line => line.Split(": ", 2))
            .Where(parts => parts.Length == 2).ToDictionary(parts => parts[0], parts => parts[1], StringComparer.Ordinal);
    }

    /// <summary>The control file.</summary>
    public string Control { get; }

    /// <summary>The digest of the package in hexadecimal digits.</summary>
    public string Sha256 { get; }

    /// <summary>Its files and links, below the folders that today's Debian has.</summary>
    public IReadOnlyList<PackagedFile> Files { get; }

    public string Name => _fields["Package"];

    public string Version => _fields["Version"];

    public string Architecture => _fields["Architecture"];

    /// <summary>All packages in a folder, by name.</summary>
    public static IReadOnlyList<DebianPackage> ReadAll(string folder)
    {
        var packages = Directory.GetFiles(folder, "*.deb").Select(Read).OrderBy(package => package.Name, StringComparer.Ordinal).ToList();
        return packages.Count > 0 ? packages : throw new InvalidOperationException($"{folder} has no Debian packages.");
    }

    private static DebianPackage Read(string path)
    {
        using var control = new MemoryStream();
        Run(["--field", path], output => output.CopyTo(control));
        var files = new List<PackagedFile>();
        Run(["--fsys-tarfile", path], output => ReadFiles(output, files));
        return new DebianPackage(System.Text.Encoding.UTF8.GetString(control.ToArray()),
            Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))), files);
    }

    private static void ReadFiles(Stream output, List<PackagedFile> files)
    {
        using var reader = new TarReader(output, leaveOpen: true);
        while (reader.GetNextEntry(copyData: true) is { } entry)
        {
            var path = Normalize(entry.Name);
            if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile)
                files.Add(new PackagedFile(path, Content(entry), null));
            else if (entry.EntryType == TarEntryType.SymbolicLink)
                files.Add(new PackagedFile(path, [], entry.LinkName));
        }

        // dpkg-deb is not told that nobody reads the padding.
        output.CopyTo(Stream.Null);
    }

    // /lib and /lib64 are links to the folders of the same names in /usr since Debian 12, and some packages still use the old paths.
    private static string Normalize(string name)
    {
        var path = name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name;
        return path.StartsWith("lib", StringComparison.Ordinal) ? "usr/" + path : path;
    }

    private static byte[] Content(TarEntry entry)
    {
        using var content = new MemoryStream();
        entry.DataStream?.CopyTo(content);
        return content.ToArray();
    }

    private static void Run(string[] arguments, Action<Stream> read)
    {
        using var process = Process.Start(new ProcessStartInfo("dpkg-deb", arguments) { RedirectStandardOutput = true })!;
        read(process.StandardOutput.BaseStream);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"dpkg-deb {string.Join(' ', arguments)} failed with exit code {process.ExitCode}.");
    }
}

/// <summary>A file of a package, or a link to <paramref name="Target"/>.</summary>
internal sealed record PackagedFile(string Path, byte[] Content, string? Target)
{
    public string Name => Path[(Path.LastIndexOf('/') + 1)..];
}
