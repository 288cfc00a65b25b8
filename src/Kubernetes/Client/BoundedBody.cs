namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>Reads a body up to a limit, whatever its length header says.</summary>
internal static class BoundedBody
{
    /// <summary>What is read of the body of a failed call: a Status with room to spare.</summary>
    public const int ErrorLimit = 64 * 1024;

    /// <summary>
    /// Objects of the API take more than this many bytes for each value, managed fields included. Without a bound on their number, an
    /// answer of empty values would become fifty times its size in memory.
    /// </summary>
    private const int BytesOfValue = 12;

    /// <summary>Whether a JSON body has more values than an answer of that size would have. A comma in a text counts too.</summary>
    public static bool IsCrowded(ReadOnlySpan<byte> body, int limit) => body.Count((byte)',') > limit / BytesOfValue;

    /// <summary>The whole body, or null when it is larger than the limit.</summary>
    public static async Task<ReadOnlyMemory<byte>?> ReadAsync(HttpContent content, int limit, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentLength > limit)
            return null;
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[(int)Math.Min(limit, content.Headers.ContentLength ?? 4096) + 1];
        var length = 0;
        while (true)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken);
            if (read == 0)
                return buffer.AsMemory(0, length);
            length += read;
            if (length > limit)
                return null;
            if (length == buffer.Length)
                Array.Resize(ref buffer, (int)Math.Min((long)limit + 1, buffer.Length * 2L));
        }
    }
}
