using System.Security.Cryptography;

namespace CapiRegistryHook.Registry.Chart;

/// <summary>A manifest or blob of an OCI registry.</summary>
/// <param name="MediaType">What the bytes are.</param>
/// <param name="Bytes">The content.</param>
public sealed record OciContent(string MediaType, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>The content's address: <c>sha256:</c> and 64 lower-case hexadecimal digits.</summary>
    public string Digest { get; } = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Bytes.Span));
}
