using System.Net;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Registries;

/// <summary>Opens a blob of a registry, from any byte on.</summary>
/// <param name="calls">The registry.</param>
/// <param name="repository">Where the blob is.</param>
/// <param name="digest">The blob.</param>
internal sealed class BlobDownload(RegistryCalls calls, string repository, Digest digest)
{
    /// <summary>The request for a blob.</summary>
    public static RegistryCall CallOf(HttpMethod method, string repository, Digest digest) =>
        new(method, new Uri($"v2/{repository}/blobs/{digest}", UriKind.Relative), $"repository:{repository}:pull");

    /// <summary>The bytes from an offset on, not verified; null when the blob is not there. The caller disposes them.</summary>
    public async Task<Stream?> OpenAsync(long offset, CancellationToken cancellationToken)
    {
        var response = await calls.SendAsync(CallOf(HttpMethod.Get, repository, digest) with { Offset = offset }, cancellationToken);
        try
        {
            if (response.StatusCode == HttpStatusCode.NotFound)
            {
                response.Dispose();
                return null;
            }

            if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.PartialContent))
                throw await response.ToExceptionAsync($"give the blob {digest} of {repository}", calls.Options, cancellationToken);
            var stream = new BodyStream(await response.Content.ReadAsStreamAsync(cancellationToken), response, calls.Options);
            if (offset > 0 && response.StatusCode == HttpStatusCode.OK)
                await SkipAsync(stream, offset, cancellationToken);
            else if (offset > 0 && response.Content.Headers.ContentRange?.From != offset)
                throw new RegistryException($"{calls.Address.Authority} gives another part of the blob {digest} than it was asked for.");
            return stream;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    // A registry that knows no ranges sends all of it again.
    private static async Task SkipAsync(Stream stream, long count, CancellationToken cancellationToken)
    {
        var buffer = new byte[1 << 16];
        while (count > 0)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, count)), cancellationToken);
            if (read == 0)
                throw new RegistryException("A blob ended before the part that was asked for.") { IsTransient = true };
            count -= read;
        }
    }
}
