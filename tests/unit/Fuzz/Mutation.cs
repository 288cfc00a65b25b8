using System.Text;

namespace CapiRegistryHook.Unit.Tests.Fuzz;

/// <summary>What is done to an input.</summary>
internal enum MutationKind
{
    /// <summary>Another byte at a place.</summary>
    SetByte,

    /// <summary>A range is gone.</summary>
    Delete,

    /// <summary>A range is there twice.</summary>
    Duplicate,

    /// <summary>A word of the language at a place.</summary>
    Insert,

    /// <summary>A word of the language many times.</summary>
    InsertMany,

    /// <summary>The value behind the next colon is a word of the language.</summary>
    ReplaceValue,

    /// <summary>Nothing after a place.</summary>
    Truncate,

    /// <summary>The end of another seed.</summary>
    Splice,
}

/// <summary>One step from a good input to a bad one. Numbers are taken modulo what there is, so that each step fits each input.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Place">Where.</param>
/// <param name="Length">How much of the input.</param>
/// <param name="Choice">Which word, byte or other seed.</param>
internal readonly record struct Mutation(MutationKind Kind, int Place, int Length, int Choice)
{
    private const int LongestRange = 64;

    /// <summary>Far deeper than any parser goes.</summary>
    private const int Many = 20_000;

    /// <summary>Shorter than any cap on sizes, so that the parser has to look at it.</summary>
    private const int LongestBomb = 200_000;

    private static readonly byte[] Bytes = [0, 1, 9, 10, 13, 0x1B, 0x20, 0x7F, 0x80, 0xC3, 0xED, 0xF4, 0xFF,
        .. "\"'\\{}[],:-&*!|>%@`#?=/.0"u8];

    public byte[] Apply(byte[] input, IReadOnlyList<byte[]> seeds, IReadOnlyList<string> words)
    {
        var place = input.Length == 0 ? 0 : Place % input.Length;
        var end = Math.Min(input.Length, place + (Length % LongestRange) + 1);
        var word = Encoding.UTF8.GetBytes(words[Choice % words.Count]);
        return Kind switch
        {
            MutationKind.SetByte => [.. input[..place], Bytes[Choice % Bytes.Length], .. input[Math.Min(place + 1, input.Length)..]],
            MutationKind.Delete => [.. input[..place], .. input[end..]],
            MutationKind.Duplicate => [.. input[..end], .. input[place..]],
            MutationKind.Insert => [.. input[..place], .. word, .. input[place..]],
            MutationKind.InsertMany => [.. input[..place], .. Enumerable.Repeat(
                word, Math.Min(Length % Many, LongestBomb / Math.Max(1, word.Length))).SelectMany(bytes => bytes), .. input[place..]],
            MutationKind.ReplaceValue => ReplaceValue(input, place, word),
            MutationKind.Truncate => input[..place],
            _ => [.. input[..place], .. Tail(seeds[Choice % seeds.Count])],
        };
    }

    private byte[] Tail(byte[] seed) => seed[(seed.Length == 0 ? 0 : Length % seed.Length)..];

    private static byte[] ReplaceValue(byte[] input, int place, byte[] word)
    {
        var colon = input.AsSpan(place).IndexOf((byte)':');
        if (colon < 0)
            return input;
        var start = place + colon + 1;
        var depth = 0;
        var end = start;
        for (; end < input.Length; end++)
        {
            var current = input[end];
            if (depth == 0 && current is (byte)',' or (byte)'}' or (byte)']' or (byte)'\n' && end > start)
                break;
            depth += current is (byte)'{' or (byte)'[' ? 1 : current is (byte)'}' or (byte)']' ? -1 : 0;
        }

        return [.. input[..start], .. word, .. input[end..]];
    }
}
