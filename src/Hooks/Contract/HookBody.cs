namespace CapiRegistryHook.Hooks.Contract;

/// <summary>Reads whole request bodies up to a cap.</summary>
internal static class HookBody
{
    /// <summary>Cluster API's own cap on bodies (20 MiB, since 1.14).</summary>
    public const int LongestBody = 20 * 1024 * 1024;

    /// <summary>
    /// What the web server itself lets through. More than the cap, so that it reads and drops the rest of a body that was
    /// refused: a sender whose connection is cut while it still writes never sees the answer.
    /// </summary>
    public const int LongestDroppedBody = 2 * LongestBody;

    /// <summary>The whole body.</summary>
    /// <exception cref="HookRequestException">It is longer than the cap.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength > LongestBody)
            throw TooLong();

        using var buffer = new MemoryStream((int)(request.ContentLength ?? 4096));
        var chunk = new byte[16 * 1024];
        int read;
        while ((read = await request.Body.ReadAsync(chunk, cancellationToken)) > 0)
        {
            if (buffer.Length + read > LongestBody)
                throw TooLong();
            buffer.Write(chunk, 0, read);
        }

        return buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
    }

    private static HookRequestException TooLong() =>
        new("The body is longer than 20 MiB.") { StatusCode = StatusCodes.Status413PayloadTooLarge };
}
