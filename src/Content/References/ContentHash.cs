using System.Security.Cryptography;

namespace CapiRegistryHook.Content.References;

/// <summary>Computes a digest while content passes by, and counts it.</summary>
public sealed class ContentHash : IDisposable
{
    private readonly string _algorithm;
    private readonly IncrementalHash _hash;

    /// <summary>A hash of an algorithm of digests.</summary>
    /// <param name="algorithm"><c>sha256</c> or <c>sha512</c>, as in <see cref="Digest.Algorithm"/>.</param>
    public ContentHash(string algorithm = "sha256")
    {
        _algorithm = algorithm;
        _hash = IncrementalHash.CreateHash(algorithm == "sha512" ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256);
    }

    /// <summary>Bytes so far.</summary>
    public long Length { get; private set; }

    /// <summary>The next bytes.</summary>
    public void Append(ReadOnlySpan<byte> content)
    {
        _hash.AppendData(content);
        Length += content.Length;
    }

    /// <summary>The digest of all bytes so far; the next one starts from nothing.</summary>
    public Digest Finish()
    {
        Span<byte> hash = stackalloc byte[64];
        var length = _hash.GetHashAndReset(hash);
        Length = 0;
        return Digest.Of(_algorithm, hash[..length]);
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
