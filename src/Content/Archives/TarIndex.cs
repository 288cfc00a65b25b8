using System.Globalization;
using System.Text;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Archives;

/// <summary>Where the files in a tar are. Nothing is unpacked; the archive is walked from header to header.</summary>
internal sealed class TarIndex
{
    private const int MostEntries = 200_000;
    private const int LongestExtension = 16 << 10;
    private const int LongestName = 1024;

    private readonly Dictionary<string, TarFileEntry> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _links = new(StringComparer.Ordinal);
    private readonly Func<Span<byte>, long, int> _read;
    private readonly long _length;
    private Extension _next;

    private TarIndex(Func<Span<byte>, long, int> read, long length)
    {
        _read = read;
        _length = length;
    }

    /// <summary>The paths of all files.</summary>
    public IReadOnlyCollection<string> Files => _files.Keys;

    /// <summary>Reads the headers of an archive.</summary>
    /// <param name="read">Reads into a buffer from an offset and returns how much.</param>
    /// <param name="length">The size of the archive in bytes.</param>
    /// <param name="location">What the archive is called in messages.</param>
    /// <exception cref="ContentException">It is not a tar, or not one that is safe to use.</exception>
    public static TarIndex Read(Func<Span<byte>, long, int> read, long length, string location)
    {
        try
        {
            var index = new TarIndex(read, length);
            index.Walk();
            return index;
        }
        catch (ContentException exception)
        {
            throw new ContentException($"{location} can't be used as a tar archive: {exception.Message}.", exception);
        }
    }

    /// <summary>A file, or the file that a link at this path leads to; a link to a link is not followed.</summary>
    public TarFileEntry? Find(string path) =>
        _files.TryGetValue(path, out var file) || (_links.TryGetValue(path, out var target) && _files.TryGetValue(target, out file))
            ? file : null;

    private void Walk()
    {
        Span<byte> block = stackalloc byte[TarHeader.BlockSize];
        long offset = 0;
        for (var entries = 0; offset < _length; entries++)
        {
            Fill(block, offset);
            if (TarHeader.Read(block) is not { } header)
                return;
            if (entries >= MostEntries)
                throw new ContentException($"it has more than {MostEntries} entries");
            var start = offset + TarHeader.BlockSize;
            var isExtension = header.Type is 'x' or 'g' or 'L' or 'K';
            var size = isExtension ? header.Size : _next.Size ?? header.Size;
            if (size < 0 || size > _length - start)
                throw new ContentException($"'{header.Name}' is cut off or has an impossible size");
            if (isExtension)
                Extend(header, start);
            else
                Add(header, new TarFileEntry(start, size));
            offset = start + TarHeader.Padded(size);
        }
    }

    private void Add(TarHeader header, TarFileEntry file)
    {
        var path = Normalize(_next.Name ?? header.Name);
        var link = _next.Link ?? header.Link;
        _next = default;
        switch (header.Type)
        {
            case '5':
                return;
            case '0' or '\0' or '7':
                AddOnce(path, () => _files.TryAdd(path, file));
                return;
            case '1':
                AddOnce(path, () => _links.TryAdd(path, Normalize(link)));
                return;
            case '2':
                AddOnce(path, () => _links.TryAdd(path, Resolve(path, link)));
                return;
            default:
                throw new ContentException($"'{path}' is neither a file, a folder nor a link");
        }
    }

    private void AddOnce(string path, Func<bool> add)
    {
        if (path.Length == 0 || _files.ContainsKey(path) || _links.ContainsKey(path) || !add())
            throw new ContentException(path.Length == 0 ? "it has a file without a name" : $"it has '{path}' twice");
    }

    private void Extend(TarHeader header, long start)
    {
        if (header.Size > LongestExtension)
            throw new ContentException($"it has an extended header of {header.Size} bytes");
        var content = new byte[header.Size];
        Fill(content, start);
        if (header.Type == 'L')
            _next = _next with { Name = Encoding.UTF8.GetString(content).TrimEnd('\0') };
        else if (header.Type == 'K')
            _next = _next with { Link = Encoding.UTF8.GetString(content).TrimEnd('\0') };
        else if (header.Type == 'x')
            ReadRecords(content);
    }

    // Each is "LENGTH KEY=VALUE\n", and the length counts all of it.
    private void ReadRecords(ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            var space = content.IndexOf((byte)' ');
            if (space is < 1 or > 6 || !int.TryParse(content[..space], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
                || length <= space + 1 || length > content.Length)
                throw new ContentException("it has a malformed extended header");
            Take(Encoding.UTF8.GetString(content[(space + 1)..(length - 1)]));
            content = content[length..];
        }
    }

    private void Take(string record)
    {
        var equals = record.IndexOf('=', StringComparison.Ordinal);
        var (key, value) = equals < 0 ? (record, "") : (record[..equals], record[(equals + 1)..]);
        _next = key switch
        {
            "path" => _next with { Name = value },
            "linkpath" => _next with { Link = value },
            "size" => _next with { Size = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size
                : throw new ContentException("it has a malformed extended header") },
            _ when key.StartsWith("GNU.sparse.", StringComparison.Ordinal) => throw new ContentException("it has a sparse file"),
            _ => _next,
        };
    }

    private static string Resolve(string path, string link) =>
        link.StartsWith('/') ? throw new ContentException($"the link '{path}' leads out of it")
            : Collapse(path, $"{path[..(path.LastIndexOf('/') + 1)]}{link}");

    private static string Collapse(string path, string target)
    {
        var parts = new List<string>();
        foreach (var part in target.Split('/'))
        {
            if (part == ".." && parts.Count == 0)
                throw new ContentException($"the link '{path}' leads out of it");
            if (part == "..")
                parts.RemoveAt(parts.Count - 1);
            else if (part is not ("" or "."))
                parts.Add(part);
        }

        return string.Join('/', parts);
    }

    private static string Normalize(string name)
    {
        if (name.Length > LongestName)
            throw new ContentException($"it has a name of {name.Length} characters");
        var isOutside = name.StartsWith('/') || name.Contains('\\', StringComparison.Ordinal) || name.Split('/').Contains("..");
        if (isOutside || name.Any(char.IsControl))
            throw new ContentException($"the path '{name}' leads out of it");
        return string.Join('/', name.Split('/').Where(part => part is not ("" or ".")));
    }

    private void Fill(Span<byte> buffer, long offset)
    {
        while (!buffer.IsEmpty)
        {
            var read = _read(buffer, offset);
            if (read == 0)
                throw new ContentException("it is cut off");
            buffer = buffer[read..];
            offset += read;
        }
    }

    private readonly record struct Extension(string? Name, string? Link, long? Size);
}

/// <summary>Where a file in an archive is.</summary>
internal readonly record struct TarFileEntry(long Offset, long Length);
