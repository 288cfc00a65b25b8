using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>What a watch's query asks for. Revision null: start with what is there now.</summary>
internal sealed record WatchOptions(long? Revision, bool Bookmarks, TimeSpan Timeout)
{
    // A real server picks 30 to 60 minutes when the client asks for nothing.
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(30);

    public static WatchOptions Read(IQueryCollection query)
    {
        var text = query["resourceVersion"].FirstOrDefault();
        var revision = text is null or "" or "0" ? (long?)null
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : throw ApiError.BadRequest($"resourceVersion: Invalid value: \"{text}\": invalid resource version");
        var seconds = query["timeoutSeconds"].FirstOrDefault();
        return new WatchOptions(revision, RequestTarget.IsTrue(query["allowWatchBookmarks"]),
            long.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var timeout) && timeout > 0
                ? TimeSpan.FromSeconds(timeout) : DefaultTimeout);
    }
}
