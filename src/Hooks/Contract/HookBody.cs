namespace CapiRegistryHook.Hooks.Contract;

/// <summary>Reads whole request bodies up to a cap.</summary>
internal static class HookBody
{
    /// <summary>Cluster API's own cap on bodies (20 MiB, since 1.14).</summary>
    public const int LongestBody = 20 * 1024 * 1024;

    /// <summary>The whole body; null when it is longer than the cap.</summary>
    public static async Task<ReadOnlyMemory<byte>?> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength > LongestBody)
            return null;

        using var buffer = new MemoryStream((int)(request.ContentLength ?? 4096));
        var chunk = new byte[16 * 1024];
        int read;
        while ((read = await request.Body.ReadAsync(chunk, cancellationToken)) > 0)
        {
            if (buffer.Length + read > LongestBody)
                return null;
            buffer.Write(chunk, 0, read);
        }

        return buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
    }
}
