using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>
/// The opening handshake of a WebSocket (RFC 6455 section 4). It is made here and not by <c>ClientWebSocket</c>, so that it goes the way
/// of every other call: the same connection settings and credential, and a refusal that says what the API server said.
/// </summary>
internal static class WebSocketUpgrade
{
    /// <summary>The kubelet's form since Kubernetes 1.5: each message begins with the number of its channel.</summary>
    public const string Protocol = "v4.channel.k8s.io";

    private const string Magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    public static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));

    /// <summary>Says what is asked for. An <c>Accept</c> may not be there: a kube-apiserver answers it with 406 (seen in 1.20).</summary>
    public static void Ask(HttpRequestHeaders headers, string key)
    {
        headers.Connection.Add("Upgrade");
        headers.Upgrade.Add(new ProductHeaderValue("websocket"));
        headers.Add("Sec-WebSocket-Version", "13");
        headers.Add("Sec-WebSocket-Key", key);
        headers.Add("Sec-WebSocket-Protocol", Protocol);
    }

    /// <summary>Whether the answer is to this very request, and speaks the protocol: a proxy in between may answer anything.</summary>
    public static bool IsGranted(HttpResponseMessage response, string key) =>
        response.StatusCode == System.Net.HttpStatusCode.SwitchingProtocols
        && Single(response.Headers, "Sec-WebSocket-Accept") == Answer(key)
        && Single(response.Headers, "Sec-WebSocket-Protocol") == Protocol;

    private static string? Single(HttpResponseHeaders headers, string name) =>
        headers.TryGetValues(name, out var values) && values.ToList() is [var only] ? only : null;

#pragma warning disable CA5350 // The RFC says SHA-1; it protects nothing, it tells that the server has read the request.
    private static string Answer(string key) => Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + Magic)));
#pragma warning restore CA5350
}
