using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace CapiRegistryHook.Benchmarks;

/// <summary>One kept-alive HTTPS connection that posts the same bytes again and again, and costs as little as possible itself.</summary>
internal sealed class HttpsCaller : IAsyncDisposable
{
    private readonly TcpClient _tcp = new() { NoDelay = true };
    private readonly byte[] _request;
    private readonly byte[] _answer = new byte[1 << 20];
    private SslStream _stream = null!;

    private HttpsCaller(Uri address, string path, byte[] body)
    {
        var head = $"POST {path} HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Length: {body.Length}\r\n\r\n";
        _request = [.. Encoding.ASCII.GetBytes(head), .. body];
    }

    public static async Task<HttpsCaller> ConnectAsync(Uri address, string rootPem, string path, byte[] body)
    {
        var caller = new HttpsCaller(address, path, body);
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPem(rootPem);
        await caller._tcp.ConnectAsync(address.Host, address.Port);
        caller._stream = new SslStream(caller._tcp.GetStream());
        await caller._stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = address.Host, CertificateChainPolicy = trust });
        return caller;
    }

    /// <summary>Posts once, and returns the length of the answer's body.</summary>
    public async Task<int> PostAsync()
    {
        await _stream.WriteAsync(_request);
        var (length, head) = (0, -1);
        while (head < 0)
        {
            length += await ReadAsync(length);
            head = _answer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
        }

        var body = BodyLength(_answer.AsSpan(0, head));
        while (length < head + 4 + body)
            length += await ReadAsync(length);
        return body;
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _tcp.Dispose();
    }

    private async Task<int> ReadAsync(int offset)
    {
        var read = await _stream.ReadAsync(_answer.AsMemory(offset));
        return read > 0 ? read : throw new IOException("The service closed the connection.");
    }

    private static int BodyLength(ReadOnlySpan<byte> head)
    {
        if (!head.StartsWith("HTTP/1.1 200"u8))
            throw new InvalidOperationException(Encoding.ASCII.GetString(head));
        var text = Encoding.ASCII.GetString(head);
        var start = text.IndexOf("Content-Length: ", StringComparison.OrdinalIgnoreCase) + "Content-Length: ".Length;
        var end = text.IndexOf('\r', start);
        return int.Parse(text.AsSpan(start, (end < 0 ? text.Length : end) - start), CultureInfo.InvariantCulture);
    }
}
