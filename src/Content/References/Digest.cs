using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace CapiRegistryHook.Content.References;

/// <summary>What content is named by: <c>sha256:</c> with 64 or <c>sha512:</c> with 128 lower-case hexadecimal digits.</summary>
public readonly record struct Digest
{
    private const string Sha256 = "sha256";
    private const string Sha512 = "sha512";

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    private readonly string? _text;

    private Digest(string text) => _text = text;

    /// <summary><c>sha256</c> or <c>sha512</c>.</summary>
    public string Algorithm => ToString()[..6];

    /// <summary>The hexadecimal digits.</summary>
    public string Hex => ToString()[7..];

    /// <summary>Reads a digest.</summary>
    /// <exception cref="ContentException">The text is not a digest.</exception>
    public static Digest Parse(string text) =>
        TryParse(text, out var digest) ? digest : throw new ContentException($"'{Shorten(text)}' is not a sha256 or sha512 digest.");

    /// <summary>Reads a digest; false when the text is not one.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Digest digest)
    {
        digest = default;
        if (text is null)
            return false;
        var isDigest = text.Length switch
        {
            7 + 64 => text.StartsWith(Sha256 + ":", StringComparison.Ordinal),
            7 + 128 => text.StartsWith(Sha512 + ":", StringComparison.Ordinal),
            _ => false,
        };
        if (!isDigest || text.AsSpan(7).ContainsAnyExcept(HexDigits))
            return false;
        digest = new Digest(text);
        return true;
    }

    /// <summary>The sha256 digest of some bytes.</summary>
    public static Digest Compute(ReadOnlySpan<byte> content) => Of(Sha256, SHA256.HashData(content));

    /// <summary>True when these bytes have this digest.</summary>
    public bool Matches(ReadOnlySpan<byte> content) =>
        this == Of(Algorithm, Algorithm == Sha256 ? SHA256.HashData(content) : SHA512.HashData(content));

    /// <inheritdoc/>
    public override string ToString() => _text ?? throw new InvalidOperationException("A digest has not been given.");

    internal static Digest Of(string algorithm, ReadOnlySpan<byte> hash) => new($"{algorithm}:{Convert.ToHexStringLower(hash)}");

    internal static string Shorten(string text) => text.Length <= 100 ? text : text[..97] + "...";
}
