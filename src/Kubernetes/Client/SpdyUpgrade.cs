using System.Net;
using System.Net.Http.Headers;

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>The switch to SPDY/3.1, which is how kubectl forwards ports.</summary>
internal static class SpdyUpgrade
{
    private const string Name = "SPDY";
    private const string Version = "3.1";
    private const string StreamHeader = "X-Stream-Protocol-Version";
    private const string StreamProtocol = "portforward.k8s.io";

    public static void Ask(HttpRequestHeaders headers)
    {
        headers.Connection.Add("Upgrade");
        headers.Upgrade.Add(new ProductHeaderValue(Name, Version));
        headers.Add(StreamHeader, StreamProtocol);
    }

    /// <summary>Whether the server switched to what was asked for: a proxy in between may answer anything.</summary>
    public static bool IsGranted(HttpResponseMessage response) => response.StatusCode == HttpStatusCode.SwitchingProtocols
        && response.Headers.Upgrade.Any(protocol => protocol is { Name: Name, Version: Version })
        && response.Headers.TryGetValues(StreamHeader, out var values) && values.SequenceEqual([StreamProtocol]);
}
