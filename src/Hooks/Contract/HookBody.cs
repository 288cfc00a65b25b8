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

    /// <summary>The whole body, in rented memory that grows with what has really come; the caller gives it back.</summary>
    /// <exception cref="HookRequestException">It is longer than the cap.</exception>
    public static async Task<PooledBytes> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength > LongestBody)
            throw TooLong();

        var body = new PooledBytes();
        try
        {
            int read;
            while ((read = await request.Body.ReadAsync(body.GetMemory(), cancellationToken)) > 0)
            {
                body.Advance(read);
                if (body.Written.Length > LongestBody)
                    throw TooLong();
            }

            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    private static HookRequestException TooLong() =>
        new("The body is longer than 20 MiB.") { StatusCode = StatusCodes.Status413PayloadTooLarge };
}
