using CapiRegistryHook.Hooks.Contract;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// What a caller may take of the listener. The only callers are the controllers of Cluster API, the add-on provider for Helm,
/// the kubelet and a scraper: Go clients that send small heads and whole bodies at once, and give up after 10 s.
/// </summary>
internal static class ListenLimits
{
    /// <summary>
    /// Connections at once on each port. Cluster API reconciles some tens of clusters at once; an idle connection takes about 50 KB
    /// of a container with 256 MiB.
    /// </summary>
    private const int MostConnections = 1000;

    /// <summary>A real head has below 1 KB and ten headers.</summary>
    private const int LongestHead = 16 * 1024;

    private const int MostHeaders = 64;
    private const int LongestRequestLine = 4 * 1024;

    /// <summary>A head arrives at once; whoever lets it drip holds a connection for nothing.</summary>
    private static readonly TimeSpan LongestHeadTime = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Longer than Go's clients keep an idle connection (90 s): were ours to close first, it could do so while a call is on its way,
    /// and Go does not repeat a POST.
    /// </summary>
    private static readonly TimeSpan LongestIdle = TimeSpan.FromSeconds(130);

    /// <summary>Below this a body of 20 MiB, or the chart, would take minutes; after 5 s in which it may still be slow.</summary>
    private static readonly MinDataRate Slowest = new(bytesPerSecond: 16 * 1024, gracePeriod: TimeSpan.FromSeconds(5));

    public static void Apply(KestrelServerOptions kestrel)
    {
        // No banner: it would tell what is looked for when a hole in the web server becomes known.
        kestrel.AddServerHeader = false;
        var limits = kestrel.Limits;
        limits.MaxConcurrentConnections = MostConnections;
        limits.MaxConcurrentUpgradedConnections = 0;
        limits.MaxRequestLineSize = LongestRequestLine;
        limits.MaxRequestHeadersTotalSize = LongestHead;
        limits.MaxRequestHeaderCount = MostHeaders;
        limits.MaxRequestBodySize = HookBody.LongestDroppedBody;
        limits.RequestHeadersTimeout = LongestHeadTime;
        limits.KeepAliveTimeout = LongestIdle;
        limits.MinRequestBodyDataRate = Slowest;
        limits.MinResponseDataRate = Slowest;
        ApplyToHttp2(limits.Http2);
    }

    private static void ApplyToHttp2(Http2Limits limits)
    {
        limits.MaxStreamsPerConnection = 100;
        limits.MaxRequestHeaderFieldSize = LongestHead;
        // A caller that vanished without a word is noticed after these two together, and its connection is given back.
        limits.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        limits.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
    }
}
