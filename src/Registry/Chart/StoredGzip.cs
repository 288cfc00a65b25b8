using System.Buffers.Binary;

namespace CapiRegistryHook.Registry.Chart;

/// <summary>
/// Wraps bytes as gzip without compressing them (RFC 1952 around stored blocks of RFC 1951). A compressor's output may
/// change with every patch of the runtime, and with it the digest of the same chart; these bytes depend on the input alone.
/// The chart has about 130 KB, and travels once per cluster and version.
/// </summary>
internal static class StoredGzip
{
    /// <summary>A stored block has 16 bits for its length.</summary>
    private const int LongestBlock = ushort.MaxValue;

    private const uint ReversedPolynomial = 0xEDB88320;

    /// <summary>Deflate, no flags, no time, no hint about speed, unknown system.</summary>
    private static ReadOnlySpan<byte> Header => [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

    public static byte[] Write(ReadOnlySpan<byte> content)
    {
        using var output = new MemoryStream(content.Length + 1024);
        output.Write(Header);
        var rest = content;
        do
        {
            var block = rest[..Math.Min(rest.Length, LongestBlock)];
            rest = rest[block.Length..];
            WriteBlock(output, block, isLast: rest.IsEmpty);
        }
        while (!rest.IsEmpty);

        Span<byte> trailer = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, Checksum(content));
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[4..], (uint)content.Length);
        output.Write(trailer);
        return output.ToArray();
    }

    private static void WriteBlock(MemoryStream output, ReadOnlySpan<byte> block, bool isLast)
    {
        Span<byte> header = stackalloc byte[5];
        header[0] = isLast ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt16LittleEndian(header[1..], (ushort)block.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(header[3..], (ushort)~block.Length);
        output.Write(header);
        output.Write(block);
    }

    /// <summary>CRC-32 as gzip wants it; the base library has none outside of a package of its own.</summary>
    private static uint Checksum(ReadOnlySpan<byte> content)
    {
        var checksum = uint.MaxValue;
        foreach (var item in content)
        {
            checksum ^= item;
            for (var bit = 0; bit < 8; bit++)
                checksum = (checksum & 1) == 0 ? checksum >> 1 : (checksum >> 1) ^ ReversedPolynomial;
        }

        return ~checksum;
    }
}
