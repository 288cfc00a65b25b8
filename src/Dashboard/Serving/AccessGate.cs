using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace CapiRegistryHook.Dashboard.Serving;

/// <summary>
/// Lets in whoever knows the token, which is part of the path. It keeps out other users of the machine, who can reach the port but do not
/// know the address, and pages of other sites: a name that was rebound to 127.0.0.1 shows in the Host header. The token stays in the path
/// and does not become a cookie, because a browser sends cookies of a host to all its ports, those of other users too.
/// </summary>
internal sealed class AccessGate
{
    private const int TokenBytes = 24;

    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    private static readonly (string Name, string Value)[] Headers =
    [
        ("Content-Security-Policy", Policy), ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"), ("Cache-Control", "no-store"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ];

    private readonly string _token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes));

    /// <summary>The path below which everything is.</summary>
    public string Path => $"/{_token}/";

    /// <summary>Sets the headers of every answer, and refuses what is not to be answered.</summary>
    /// <returns>The path below the token; null when the request has been answered.</returns>
    public string? Admit(HttpContext http)
    {
        foreach (var (name, value) in Headers)
            http.Response.Headers[name] = value;
        var path = http.Request.Path.Value ?? "";
        var status = !IsLocal(http.Request.Host.Host) ? StatusCodes.Status421MisdirectedRequest
            : !HasToken(path) ? StatusCodes.Status404NotFound
            : !HttpMethods.IsGet(http.Request.Method) ? StatusCodes.Status405MethodNotAllowed : 0;
        if (status == 0)
            return path[Path.Length..];
        http.Response.StatusCode = status;
        return null;
    }

    /// <summary>
    /// The names that no DNS server can give to this machine's loopback address for another site. Any port is good: one on another machine
    /// may lead here through SSH.
    /// </summary>
    private static bool IsLocal(string host) => string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private bool HasToken(string path) => path.Length >= Path.Length && CryptographicOperations.FixedTimeEquals(
        Encoding.UTF8.GetBytes(path[..Path.Length]), Encoding.UTF8.GetBytes(Path));
}
