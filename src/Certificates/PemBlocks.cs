using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace CapiRegistryHook.Certificates;

/// <summary>
/// Enumerates the blocks of a PEM text, with any text around them. Unlike <see cref="PemEncoding"/> it does not skip a damaged block (a
/// root would silently vanish from a bundle), and its time is linear in the input, also for a text of BEGIN lines only.
/// </summary>
internal ref struct PemBlocks(ReadOnlySpan<byte> pem)
{
    private const int LongestLabel = 64;
    private ReadOnlySpan<byte> _rest = pem;

    public ReadOnlySpan<byte> Label { get; private set; }

    /// <summary>What stands between the boundaries: Base64 with line ends, and headers in the case of an old encrypted key.</summary>
    public ReadOnlySpan<byte> Body { get; private set; }

    /// <summary>
    /// Steps to the next block; false at the end. A block that is not closed by its own label throws <see cref="FormatException"/>.
    /// </summary>
    public bool MoveNext()
    {
        var begin = _rest.IndexOf("-----BEGIN "u8);
        if (begin < 0) return false;
        var afterBegin = _rest[(begin + "-----BEGIN ".Length)..];
        var labelLength = afterBegin[..Math.Min(afterBegin.Length, LongestLabel)].IndexOf("-----"u8);
        if (labelLength < 0) throw new FormatException("A PEM boundary is damaged.");
        Label = afterBegin[..labelLength];
        var content = afterBegin[(labelLength + "-----".Length)..];
        var end = content.IndexOf("-----"u8);
        if (end < 0 || !TryCutEnd(content[end..], Label, out _rest)) throw new FormatException("A PEM block is not closed.");
        Body = content[..end];
        return true;
    }

    /// <summary>Decodes the body into a pinned array, so that zeroing it leaves no copy that the garbage collector made.</summary>
    public readonly byte[] Decode()
    {
        var buffer = GC.AllocateArray<byte>(Base64.GetMaxDecodedFromUtf8Length(Body.Length), pinned: true);
        if (Base64.DecodeFromUtf8(Body, buffer, out _, out var written) != OperationStatus.Done || written == 0)
        {
            CryptographicOperations.ZeroMemory(buffer);
            throw new FormatException("A PEM block is not Base64.");
        }

        if (written == buffer.Length) return buffer;
        var exact = GC.AllocateUninitializedArray<byte>(written, pinned: true);
        buffer.AsSpan(0, written).CopyTo(exact);
        CryptographicOperations.ZeroMemory(buffer);
        return exact;
    }

    private static bool TryCutEnd(ReadOnlySpan<byte> text, ReadOnlySpan<byte> label, out ReadOnlySpan<byte> rest)
    {
        rest = default;
        if (!text.StartsWith("-----END "u8)) return false;
        text = text["-----END ".Length..];
        if (!text.StartsWith(label)) return false;
        text = text[label.Length..];
        if (!text.StartsWith("-----"u8)) return false;
        rest = text["-----".Length..];
        return true;
    }
}
