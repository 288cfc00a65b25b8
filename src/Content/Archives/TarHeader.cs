using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Archives;

/// <summary>
/// The 512 bytes before each file in a tar. Written here, because files of a bundle are written at offsets in parallel, and read here,
/// because only sizes and offsets are wanted, within bounds; the base class library's reader takes extended headers of any size.
/// </summary>
internal readonly record struct TarHeader(string Name, long Size, char Type, string Link)
{
    public const int BlockSize = 512;

    /// <summary>The largest file of a ustar header; larger ones get an extended header before it.</summary>
    public const long LargestPlainSize = (1L << 33) - 1;

    private const int LongestName = 100;

    /// <summary>Bytes that a file takes, padded, without its header.</summary>
    public static long Padded(long size) => (size + BlockSize - 1) / BlockSize * BlockSize;

    /// <summary>The header of a file of ours, extended where it is large. The same for the same name and size.</summary>
    public static byte[] For(string name, long size)
    {
        if (size <= LargestPlainSize)
            return Block(name, size, '0');
        var record = $" size={size.ToString(CultureInfo.InvariantCulture)}\n";
        // The length counts its own two digits.
        var extended = Encoding.ASCII.GetBytes($"{record.Length + 2}{record}");
        var padded = new byte[Padded(extended.Length)];
        extended.CopyTo(padded, 0);
        return [.. Block("pax_header", extended.Length, 'x'), .. padded, .. Block(name, size: 0, '0')];
    }

    /// <summary>Reads a header; null for a block of zeros, which ends the archive.</summary>
    /// <exception cref="ContentException">It is not a header.</exception>
    public static TarHeader? Read(ReadOnlySpan<byte> block)
    {
        if (!block.ContainsAnyExcept((byte)0))
            return null;
        if (Number(block.Slice(148, 8)) != Checksum(block))
            throw new ContentException("a header is damaged");
        var name = Text(block[..LongestName]);
        var prefix = block.Slice(257, 6).SequenceEqual("ustar\0"u8) ? Text(block.Slice(345, 155)) : "";
        return new TarHeader(prefix.Length == 0 ? name
            : $"{prefix}/{name}", Number(block.Slice(124, 12)), (char)block[156], Text(block.Slice(157, LongestName)));
    }

    private static byte[] Block(string name, long size, char type)
    {
        if (name.Length > LongestName)
            throw new ArgumentException("Names in our archives fit into one header.", nameof(name));
        var block = new byte[BlockSize];
        Put(block, 0, name);
        Put(block, 100, "0000644\0");
        Put(block, 108, "0000000\0");
        Put(block, 116, "0000000\0");
        Put(block, 124, Octal(size, 11));
        Put(block, 136, "00000000000\0");
        block[156] = (byte)type;
        Put(block, 257, "ustar\0" + "00");
        Put(block, 329, "0000000\0");
        Put(block, 337, "0000000\0");
        Put(block, 148, Octal(Checksum(block), 6) + " ");
        return block;
    }

    private static string Octal(long value, int digits) => Convert.ToString(value, 8).PadLeft(digits, '0') + "\0";

    private static void Put(byte[] block, int offset, string text) => Encoding.ASCII.GetBytes(text, block.AsSpan(offset));

    private static long Checksum(ReadOnlySpan<byte> block)
    {
        long sum = 8 * ' ';
        for (var place = 0; place < BlockSize; place++)
            sum += place is >= 148 and < 156 ? 0 : block[place];
        return sum;
    }

    // Octal digits, or for what is too large for them 96 bits after a set first bit.
    private static long Number(ReadOnlySpan<byte> field)
    {
        if (field[0] == 0x80 && field.Length == 12)
            return BinaryPrimitives.ReadInt64BigEndian(field[4..]) is var large and >= 0 && !field[1..4].ContainsAnyExcept((byte)0)
                ? large : throw new ContentException("a header has an impossible size");
        long value = 0;
        foreach (var digit in field.Trim("\0 "u8))
        {
            if (digit is < (byte)'0' or > (byte)'7')
                throw new ContentException("a header has a field that is not a number");
            value = (value << 3) + (digit - '0');
        }

        return value;
    }

    private static string Text(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }
}
