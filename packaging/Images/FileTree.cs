using System.Formats.Tar;
using System.Text;

namespace CapiRegistryHook.Packaging.Images;

/// <summary>The files of a layer. The same files give the same bytes: one order, no owner but root, no times.</summary>
internal sealed class FileTree
{
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const UnixFileMode Executable =
        Readable | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    // Everybody may write, and only its owner may remove a file.
    private const UnixFileMode Shared = Executable | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite | UnixFileMode.StickyBit;

    private readonly SortedDictionary<string, TreeEntry> _entries = new(StringComparer.Ordinal);

    /// <summary>The paths of files and links, in order.</summary>
    public IEnumerable<string> Files => _entries.Where(entry => entry.Value.Type != TarEntryType.Directory).Select(entry => entry.Key);

    public bool Contains(string path) => _entries.ContainsKey(path);

    public void AddFile(string path, byte[] content, bool isExecutable = false) =>
        Add(path, new TreeEntry(TarEntryType.RegularFile, isExecutable ? Executable : Readable, content, ""));

    public void AddText(string path, string text) => AddFile(path, Encoding.UTF8.GetBytes(text));

    public void AddLink(string path, string target) =>
        Add(path, new TreeEntry(TarEntryType.SymbolicLink, Executable | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite, [], target));

    public void AddSharedFolder(string path) => Add(path, new TreeEntry(TarEntryType.Directory, Shared, [], ""));

    /// <summary>The layer as an uncompressed tar.</summary>
    public byte[] ToTar()
    {
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (path, entry) in _entries)
                writer.WriteEntry(entry.ToTar(path));
        }

        return tar.ToArray();
    }

    private void Add(string path, TreeEntry entry)
    {
        AddFolders(path);
        if (!_entries.TryAdd(path, entry))
            throw new InvalidOperationException($"Two files of the layer are called {path}.");
    }

    private void AddFolders(string path)
    {
        for (var slash = path.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = path.IndexOf('/', slash + 1))
            _entries.TryAdd(path[..slash], new TreeEntry(TarEntryType.Directory, Executable, [], ""));
    }

    private sealed record TreeEntry(TarEntryType Type, UnixFileMode Mode, byte[] Content, string Target)
    {
        public UstarTarEntry ToTar(string path)
        {
            var entry = new UstarTarEntry(Type, Type == TarEntryType.Directory ? path + "/" : path)
            {
                ModificationTime = DateTimeOffset.UnixEpoch,
                Mode = Mode,
            };
            if (Type == TarEntryType.RegularFile)
                entry.DataStream = new MemoryStream(Content, writable: false);
            if (Type == TarEntryType.SymbolicLink)
                entry.LinkName = Target;
            return entry;
        }
    }
}
